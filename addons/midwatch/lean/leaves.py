"""Leaf certificates that are quick to show: a key of a curve, and a place for as many as one worker meets.

Stock gives every leaf the CA's own key, RSA as a rule, so each handshake costs a private operation of RSA (about 0.7
ms, 25 × that of P-256), and shows the CA's key at work to whoever connects. It keeps 100 leaves and forgets the
oldest, and looks through all it has to forget one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from mitmproxy import certs

MOST = 4096
"""Leaves that are kept, about 5 KB each; of more the one that was not asked for longest is made anew."""


class Leaves(certs.CertStore):
    """A store that gives leaves one key of their own, of P-256, made with the store and kept in memory alone."""

    def __init__(self, *words: object) -> None:
        super().__init__(*words)  # type: ignore[arg-type]  # as stock's
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._leaves: OrderedDict[object, certs.CertStoreEntry] = OrderedDict()

    def get_cert(
        self,
        commonname: str | None,
        sans: Iterable[x509.GeneralName],
        organization: str | None = None,
        crl_url: str | None = None,
    ) -> certs.CertStoreEntry:
        """The leaf for these names, made at the first time; arguments are stock's."""
        names = tuple(sans)
        wanted = commonname, names, organization, crl_url
        entry = self._leaves.get(wanted)
        if entry is None:
            entry = self._leaves[wanted] = self._made(*wanted)
            if len(self._leaves) > MOST:
                self._leaves.popitem(last=False)
        else:
            self._leaves.move_to_end(wanted)
        return entry

    def _made(
        self, commonname: str | None, names: tuple[x509.GeneralName, ...], organization: str | None, crl: str | None
    ) -> certs.CertStoreEntry:
        stock = certs.dummy_cert(
            self.default_privatekey, self.default_ca.to_cryptography(), commonname, names, organization, crl
        )
        return certs.CertStoreEntry(
            cert=certs.Cert(self._with_own_key(stock.to_cryptography())),
            privatekey=self._key,  # type: ignore[arg-type]  # mitmproxy says RSA, and takes keys of curves
            chain_file=self.default_chain_file,
            chain_certs=self.default_chain_certs,
        )

    def _with_own_key(self, leaf: x509.Certificate) -> x509.Certificate:
        """The same certificate for our key: what is in one is stock's to know."""
        builder = x509.CertificateBuilder(
            issuer_name=leaf.issuer,
            subject_name=leaf.subject,
            public_key=self._key.public_key(),
            serial_number=leaf.serial_number,
            not_valid_before=leaf.not_valid_before_utc,
            not_valid_after=leaf.not_valid_after_utc,
            extensions=list(leaf.extensions),
        )
        return builder.sign(self.default_privatekey, hashes.SHA256())
