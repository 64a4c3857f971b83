"""One CA as it signs: its key, its certificate and the chain to its root, read from PEM and checked.

The rules are those of RFC 5280, sections 4.2.1.3, 4.2.1.9 and 4.2.1.12: who may sign certificates of servers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from midwatch.trust.bundles import joined
from midwatch.trust.pem import blocks
from midwatch_core.errors import ConfigError

# What clients take, and mitmproxy can sign with.
_LEAST_BITS = 2048
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_MOST_CERTIFICATES = 32
# Signatures by these are taken by no client any more (RFC 9155; OpenSSL from security level 1 on).
_OUTDATED = ("md5", "sha1")
_ID_DIGITS = 12

type Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A CA that signs. `chain` leads from its issuer to the root, and is empty where it is a root itself.

    `others` are CAs that came with it and are no part of the chain: trusted too, by who trusts what is published.
    """

    key: Key = field(repr=False, compare=False)
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    others: tuple[x509.Certificate, ...] = ()

    @property
    def id(self) -> str:
        """The beginning of the certificate's SHA-256: names it for people and in files."""
        return id_of(self.certificate)

    @property
    def anchor(self) -> x509.Certificate:
        """What clients are to trust."""
        return (self.certificate, *self.chain)[-1]

    @property
    def ends(self) -> datetime:
        """When it is over: the first end among its certificates."""
        return min(item.not_valid_after_utc for item in (self.certificate, *self.chain))

    @property
    def begins(self) -> datetime:
        """From when on it holds: the last beginning among its certificates."""
        return max(item.not_valid_before_utc for item in (self.certificate, *self.chain))

    def pem(self) -> bytes:
        """All of it as mitmproxy reads it, with the private key."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return joined(key, *(pem_of(item) for item in (self.certificate, *self.chain)))


def id_of(certificate: x509.Certificate) -> str:
    """The first digits of a certificate's SHA-256."""
    return certificate.fingerprint(hashes.SHA256()).hex()[:_ID_DIGITS]


def pem_of(certificate: x509.Certificate) -> bytes:
    """A certificate in PEM."""
    return certificate.public_bytes(Encoding.PEM)


def name_of(certificate: x509.Certificate) -> str:
    """Whose a certificate is, for people (RFC 4514)."""
    return certificate.subject.rfc4514_string() or "a CA without a name"


def read_authority(
    pem: bytes, what: str, *, password: bytes | None = None, known: Iterable[x509.Certificate] = ()
) -> Authority:
    """The CA in a file of PEM: its parts in any order. `known` may lend what the chain lacks.

    Raises ConfigError that begins with `what` and never has a key in it.
    """
    key = _key(pem, what, password)
    given = _certificates(pem, what)
    own = _own(key, given, what)
    _check_signer(own, what)
    chain = _chain(own, given, tuple(known), what)
    parts = {own, *chain}
    others = tuple(item for item in given if item not in parts and _is_ca(item))
    return Authority(key=key, certificate=own, chain=chain, others=others)


def check_dates(authority: Authority, now: datetime, what: str) -> None:
    """Raises ConfigError for a CA that is over, or has not begun."""
    if authority.ends <= now:
        raise ConfigError(f"{what}: expired on {authority.ends:%F %R} UTC; clients would refuse what it signs")
    if authority.begins > now:
        raise ConfigError(f"{what}: holds from {authority.begins:%F %R} UTC on; clients would refuse it until then")


def _key(pem: bytes, what: str, password: bytes | None) -> Key:
    found = [block for kind, block in blocks(pem) if kind.endswith("PRIVATE KEY")]
    if len(found) != 1:
        raise ConfigError(f"{what}: expected one private key in PEM, found {len(found)}")
    try:
        key = load_pem_private_key(found[0], password)
    except TypeError:  # a password for what has none, or none for what has one
        if password is not None:
            return _key(pem, what, None)
        raise ConfigError(
            f"{what}: the private key is encrypted: `ca import` takes --passphrase-file; tls.ca takes one that is not"
        ) from None
    except (ValueError, UnsupportedAlgorithm):  # what is said of it may have parts of it
        why = "it is damaged, or the passphrase is wrong" if password is not None else "it is damaged"
        raise ConfigError(f"{what}: the private key can't be read: {why}") from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _LEAST_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return key
    raise ConfigError(f"{what}: expected a key of RSA from {_LEAST_BITS} bits on, or on one of {', '.join(_CURVES)}")


def _certificates(pem: bytes, what: str) -> list[x509.Certificate]:
    found = [block for kind, block in blocks(pem) if kind == "CERTIFICATE"]
    if len(found) > _MOST_CERTIFICATES:
        raise ConfigError(f"{what}: more than {_MOST_CERTIFICATES} certificates; give the CA and its chain alone")
    try:
        return list(dict.fromkeys(x509.load_pem_x509_certificate(block) for block in found))
    except ValueError as error:
        raise ConfigError(f"{what}: a certificate can't be read: {error}") from error


def _own(key: Key, given: Sequence[x509.Certificate], what: str) -> x509.Certificate:
    """The certificate of the key. Of several (a CA that was renewed) the last to end."""
    wanted = _public(key.public_key())
    found = [item for item in given if _public(item.public_key()) == wanted]
    if not found:
        told = "; ".join(name_of(item) for item in given) or "none"
        raise ConfigError(f"{what}: the private key belongs to no certificate that was given ({told})")
    return max(found, key=lambda item: item.not_valid_after_utc)


def _public(key: object) -> bytes:
    bytes_of = getattr(key, "public_bytes")  # noqa: B009  # every kind of public key has it, their union is not typed
    return bytes(bytes_of(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _check_signer(own: x509.Certificate, what: str) -> None:
    if not _is_ca(own):
        raise ConfigError(f"{what}: {name_of(own)} is no CA (basicConstraints); it may sign nothing")
    usage = _extension(own, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise ConfigError(f"{what}: {name_of(own)} may not sign certificates (keyUsage lacks keyCertSign)")
    purposes = _extension(own, x509.ExtendedKeyUsage)
    fitting = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if purposes is not None and not fitting & set(purposes):
        raise ConfigError(f"{what}: {name_of(own)} may not sign for servers (extendedKeyUsage lacks serverAuth)")


def _chain(
    own: x509.Certificate, given: Sequence[x509.Certificate], known: Sequence[x509.Certificate], what: str
) -> tuple[x509.Certificate, ...]:
    """From the issuer of `own` to a root. Raises ConfigError where a link is missing, or does not hold."""
    chain: list[x509.Certificate] = []
    last = own
    while not issued(last, by=last):
        if digest := _outdated(last):
            raise ConfigError(f"{what}: {name_of(last)} is signed with {digest}, which clients refuse; have it renewed")
        found = _issuer(last, given) or _issuer(last, known)
        if found is None or found in chain or len(chain) >= _MOST_CERTIFICATES:
            raise ConfigError(f"{what}: the chain is not complete: {_lacking(last)}; give that certificate too")
        chain.append(found)
        _check_signer(found, what)
        _check_length(found, below=len(chain), what=what)
        last = found
    return tuple(chain)


def _lacking(last: x509.Certificate) -> str:
    return f"the certificate of {last.issuer.rfc4514_string()!r}, who signed {name_of(last)!r}, is missing"


def _issuer(child: x509.Certificate, among: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """Who signed it: a root before another that has the same key (one signed by somebody else too)."""
    found = [item for item in among if item != child and item.subject == child.issuer and issued(child, by=item)]
    return next((item for item in found if issued(item, by=item)), found[0] if found else None)


def issued(child: x509.Certificate, *, by: x509.Certificate) -> bool:
    """Whether one CA's certificate was signed with the key of another, or its own.

    A root's own signature proves nothing, and nobody looks at it: it may be one that can't be checked any more.
    """
    if child == by and child.subject == child.issuer and _outdated(child):
        return _is_ca(by)
    try:
        child.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return _is_ca(by)


def _outdated(certificate: x509.Certificate) -> str | None:
    """The digest that it was signed with, where that is one of old."""
    try:
        digest = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    return digest.name if digest is not None and digest.name in _OUTDATED else None


def _check_length(issuer: x509.Certificate, *, below: int, what: str) -> None:
    """`below` counts the CAs from it down to the one that signs, itself left out."""
    limits = _extension(issuer, x509.BasicConstraints)
    if limits is not None and limits.path_length is not None and limits.path_length < below:
        raise ConfigError(f"{what}: {name_of(issuer)} allows {limits.path_length} CAs below it (pathlen)")


def _is_ca(certificate: x509.Certificate) -> bool:
    limits = _extension(certificate, x509.BasicConstraints)
    return limits is not None and limits.ca


def _extension[T: x509.ExtensionType](certificate: x509.Certificate, kind: type[T]) -> T | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):  # ValueError: none that can be read
        return None
