"""mitmproxy's TLS with a CA that it is handed, and may be handed another while it runs.

Stock reads its CA from the folder `confdir` when options change, makes one where there is none, and reads the chain
from the CA's own file at each handshake. Here the key stays with whoever handed it, and the chain has its own file.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from mitmproxy import certs
from mitmproxy.addons import tlsconfig

from midwatch.lean.leaves import Leaves

# What stock makes its store of, in `configure`.
_STORE_OPTIONS = frozenset({"certs", "confdir", "key_size", "cert_passphrase"})


class OwnAuthority(tlsconfig.TlsConfig):
    """The addon `tlsconfig`; give `certstore` another store, and the next handshake has a leaf of that CA."""

    name = "tlsconfig"

    def __init__(self, store: certs.CertStore) -> None:
        self.certstore = store

    def configure(self, updated: AbstractSet[str]) -> None:
        """All of stock's checks but those of a store, which is here already."""
        super().configure(set(updated) - _STORE_OPTIONS)  # type: ignore[no-untyped-call]  # mitmproxy's

    def running(self) -> None:
        """Stock makes its store once more here, for options that it was not told of."""


def store_of(
    key: RSAPrivateKey, certificate: x509.Certificate, *, chain_file: Path | None, dh_file: Path
) -> certs.CertStore:
    """What signs leaves with this CA.

    `chain_file` is PEM of what clients need beside a leaf (its CA, and those above but the root), None for a root;
    it is read at each handshake. `dh_file` is PEM of parameters for Diffie-Hellman, and is made if it is not there.
    """
    parameters = certs.CertStore.load_dhparam(dh_file)
    return Leaves(key, certs.Cert(certificate), chain_file, certs.dummy_crl(key, certificate), parameters)
