"""A throw-away certificate authority for the benchmarks' upstream; the proxies are told to trust it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Paths of the PEM files: the authority that proxies trust, the leaf's chain and the leaf's key."""

    ca_file: Path
    leaf_file: Path
    key_file: Path


def write_certificates(folder: Path, *hosts: str) -> Certificates:
    """Write an authority and a leaf for `hosts` (and localhost) below `folder`, valid for a day."""
    ca_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Midwatch benchmark authority")])
    ca = _builder(ca_name, ca_name, ca_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in (*hosts, "localhost")])
    leaf_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    leaf = _builder(leaf_name, ca_name, leaf_key.public_key()).add_extension(names, critical=False)
    files = Certificates(
        ca_file=folder / "upstream-ca.pem", leaf_file=folder / "upstream.pem", key_file=folder / "upstream.key"
    )
    files.ca_file.write_bytes(_sign(ca, ca_key))
    files.leaf_file.write_bytes(_sign(leaf, ca_key))
    files.key_file.write_bytes(
        leaf_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
    )


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
