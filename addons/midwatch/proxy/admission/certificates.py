"""Client certificates: whether a chain leads to a CA the operator named, and whose it then is.

mitmproxy takes any certificate that a client shows (its own needs none to be true), so the chain is checked here; that
the client has the leaf's key, the handshake has proven.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from midwatch.trust.pem_file import BUNDLE_MEGABYTES, read_pem
from midwatch_core.errors import ConfigError


class ClientCertificates:
    """Checks chains against the CAs of a PEM file."""

    def __init__(self, authorities: Sequence[x509.Certificate]) -> None:
        self._store = Store(list(authorities))

    @classmethod
    def read(cls, file: Path) -> "ClientCertificates":
        """From a file. Raises ConfigError where it has no certificates."""
        pem = read_pem(file, "identity.client_ca", megabytes=BUNDLE_MEGABYTES)
        try:
            return cls(x509.load_pem_x509_certificates(pem))
        except ValueError as error:
            raise ConfigError(f"identity.client_ca: {file}: no PEM certificates: {error}") from error

    def subject(self, chain: Sequence[x509.Certificate], at: datetime) -> str | None:
        """The subject (RFC 4514) of a chain, leaf first, that leads to one of the CAs; None for any other."""
        if not chain:
            return None
        builder = PolicyBuilder().store(self._store).time(at)
        # A client's certificate has a subject; the web's rules for leaves ask for names of hosts.
        builder = builder.extension_policies(
            ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
        )
        try:
            builder.build_client_verifier().verify(chain[0], list(chain[1:]))
        except VerificationError:
            return None
        return chain[0].subject.rfc4514_string()
