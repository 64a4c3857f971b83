"""A server on loopback that shows a leaf of a CA, for as long as it takes to try who trusts it."""

import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from midwatch.trust.authority import Authority, issued, pem_of
from midwatch.trust.bundles import joined

_LASTS = timedelta(hours=1)
_LOOK_S = 0.2
_HANDSHAKE_S = 5.0
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


@contextmanager
def shown(authority: Authority, host: str) -> Iterator[int]:
    """The port where a leaf for `host` is shown, with the chain a client needs beside the root."""
    context = _context(authority, host)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(_LOOK_S)
        thread = threading.Thread(target=_serve, args=(server, context, ended), daemon=True)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            ended.set()
            thread.join()


def leaf_of(authority: Authority, host: str, public: ec.EllipticCurvePublicKey) -> x509.Certificate:
    """A certificate of a server called `host`, good for an hour."""
    now = datetime.now(UTC)
    issuer = authority.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]))
        .issuer_name(issuer.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LASTS)
        .not_valid_after(now + _LASTS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_issuer_key(issuer), critical=False)
    )
    return builder.sign(authority.key, hashes.SHA256())


def _issuer_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """As the issuer itself calls its key, which may be another digest than the usual one."""
    with suppress(x509.ExtensionNotFound):
        named = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(named)
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]  # RSA, EC


def _context(authority: Authority, host: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    above = [item for item in (authority.certificate, *authority.chain) if not issued(item, by=item)]
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = joined(private, *map(pem_of, (leaf_of(authority, host, key.public_key()), *above)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # files alone are taken; the key is the leaf's, and nobody else's
        file = Path(folder) / "leaf.pem"
        file.touch(mode=0o600)
        file.write_bytes(pem)
        context.load_cert_chain(file)
    return context


def _serve(server: socket.socket, context: ssl.SSLContext, ended: threading.Event) -> None:
    while not ended.is_set():
        with suppress(TimeoutError):
            client, _ = server.accept()
            threading.Thread(target=_answer, args=(client, context), daemon=True).start()


def _answer(client: socket.socket, context: ssl.SSLContext) -> None:
    client.settimeout(_HANDSHAKE_S)
    with suppress(OSError), client, context.wrap_socket(client, server_side=True) as sock:
        sock.recv(4096)
        sock.sendall(_ANSWER)
