"""Client certificates: only a chain that leads to the operator's CA says anything."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from midwatch.proxy.certificates import ClientCertificates
from midwatch_core.errors import ConfigError

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )


class Authority:
    """A CA of the test's own."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._make(name("ca"), self.key.public_key(), ca=True, ends=NOW + timedelta(days=9))

    def leaf(self, subject: str, ends: datetime = NOW + timedelta(days=1)) -> x509.Certificate:
        return self._make(name(subject), ec.generate_private_key(ec.SECP256R1()).public_key(), ca=False, ends=ends)

    def _make(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool, ends: datetime
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name("ca"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=3))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if ca:
            usage = x509.KeyUsage(
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
            builder = builder.add_extension(usage, critical=True)
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        else:
            builder = builder.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        return builder.sign(self.key, hashes.SHA256())


def test_a_chain_to_the_operator_s_ca_tells_its_subject() -> None:
    ours = Authority()
    assert ClientCertificates([ours.certificate]).subject([ours.leaf("build")], NOW) == "CN=build,O=Acme"


def test_any_other_chain_tells_nothing() -> None:
    ours, forged = Authority(), Authority()
    certificates = ClientCertificates([ours.certificate])
    assert certificates.subject([], NOW) is None
    assert certificates.subject([forged.leaf("build")], NOW) is None
    assert certificates.subject([forged.leaf("build"), forged.certificate], NOW) is None
    assert certificates.subject([ours.leaf("build", ends=NOW - timedelta(days=1))], NOW) is None


def test_the_file_of_cas_is_read_or_named(tmp_path: Path) -> None:
    ours, file = Authority(), tmp_path / "ca.pem"
    file.write_bytes(ours.certificate.public_bytes(serialization.Encoding.PEM))
    assert ClientCertificates.read(file).subject([ours.leaf("x")], NOW) == "CN=x,O=Acme"
    file.write_bytes(b"nothing")
    with pytest.raises(ConfigError, match=r"identity\.client_ca"):
        ClientCertificates.read(file)
    with pytest.raises(ConfigError, match="No such file"):
        ClientCertificates.read(tmp_path / "absent.pem")
