"""Bundles in which our CA, or a provider's own, stands beside the public ones."""

import os
import re
import ssl
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from midwatch.home import Home, write_private
from midwatch.trust.pem import certificates_in
from midwatch_core.errors import ConfigError

if TYPE_CHECKING:  # it costs a tenth of a second, which commands that need no certificate must not pay
    from cryptography.x509 import Certificate

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def write_upstream_bundle(home: Home, upstream_ca: Path) -> None:
    """The public CAs and those of `upstream_ca`. Raises ConfigError where that is no file of certificates."""
    try:
        # The certificates alone: words between them may be in any language, and a key is nobody's here.
        extra = certificates_in(upstream_ca.expanduser().read_bytes())
        # Not by create_default_context, which takes an empty file for none and trusts the public ones.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=extra.decode("ascii"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"upstream_ca: {upstream_ca}: {error}; expected a file of PEM certificates") from error
    _write(home.upstream_bundle, joined(public_cas(), extra))


def write_client_bundle(home: Home) -> Path:
    """The CAs a client under `exec` trusts: the ones it trusts already, and ours; for Java too (`home.java_store`).

    They are no secret: a container that has them mounted reads them as whatever user it runs. Raises ConfigError.
    """
    # In an environment that names our own bundle already, that is not what was public before.
    try:
        bundle = joined(public_cas(besides=home.client_bundle), home.ca_certificate.read_bytes())
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}") from error
    _write(home.client_bundle, bundle, mode=0o644)
    _write(home.java_store, _java_store(bundle), mode=0o644)
    return home.client_bundle


def _write(file: Path, data: bytes, *, mode: int = 0o600) -> None:
    try:
        write_private(file, data, mode=mode)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error


def _java_store(bundle: bytes) -> bytes:
    """Certificates hold no secret, so the store has no password; Java opens such a one without being given any."""
    from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

    named = [pkcs12.PKCS12Certificate(item, b"ca%d" % number) for number, item in enumerate(certificates_of(bundle))]
    return pkcs12.serialize_java_truststore(named, NoEncryption())


def certificates_of(bundle: bytes) -> "Iterator[Certificate]":
    """The certificates of a bundle, without those that break RFC 5280: public bundles have carried some."""
    from cryptography.x509 import load_pem_x509_certificate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for found in re.findall(_CERTIFICATE, bundle):
            with suppress(ValueError):
                yield load_pem_x509_certificate(found)


def public_cas(besides: Path | None = None) -> bytes:
    """The bundle that `SSL_CERT_FILE` names, unless that is `besides`, else the system's, else certifi's."""
    paths = ssl.get_default_verify_paths()
    for name in (os.environ.get("SSL_CERT_FILE"), paths.cafile, paths.openssl_cafile, _certifi()):
        if name and Path(name).is_file() and not (besides and besides.exists() and besides.samefile(name)):
            return Path(name).read_bytes()
    return b""


def _certifi() -> str:
    import certifi

    return certifi.where()


def joined(*bundles: bytes) -> bytes:
    """One file of several, each on lines of its own."""
    return b"\n".join(bundle.strip() for bundle in bundles) + b"\n"
