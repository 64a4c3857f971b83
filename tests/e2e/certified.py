"""Client certificates for tests: a CA of one's own, and certificates with their keys in files, as clients want them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)

_CA_LASTS = timedelta(days=9)


class ClientCA:
    """An authority whose certificate is in `file`; another of the same name is another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        builder = self._builder(_name("clients"), public, ca=True, lasts=_CA_LASTS).add_extension(_SIGNS, critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        self.file = folder / "ca.pem"
        self.file.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))

    def client(self, name: str, *, lasts: timedelta = timedelta(days=1)) -> Path:
        """A file with a certificate of the subject `CN=name,O=Acme`, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = self._builder(_name(name), key.public_key(), ca=False, lasts=lasts).add_extension(
            issuer, critical=False
        )
        encoding, shape = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        file = self._folder / f"{name}.pem"
        certificate = builder.sign(self._key, hashes.SHA256())
        file.write_bytes(_pem(certificate) + key.private_bytes(encoding, shape, serialization.NoEncryption()))
        return file

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool, lasts: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_name("clients"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + lasts)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )


def _name(text: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
