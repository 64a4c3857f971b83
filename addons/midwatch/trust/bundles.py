"""Bundles in which our CA, or a provider's own, stands beside the public ones."""

import ssl
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from midwatch.home import Home, write_private
from midwatch.trust.pem import blocks, certificates_in
from midwatch.trust.pem_file import BUNDLE_MEGABYTES, read_pem
from midwatch_core.errors import ConfigError
from midwatch_core.public_cas import public_bundle

if TYPE_CHECKING:  # it costs a tenth of a second, which commands that need no certificate must not pay
    from cryptography.x509 import Certificate


def write_upstream_bundle(home: Home, upstream_ca: Path) -> None:
    """The public CAs and those of `upstream_ca`. Raises ConfigError where that is no file of certificates."""
    # The certificates alone: words between them may be in any language, and a key is nobody's here.
    extra = certificates_in(read_pem(upstream_ca, "upstream_ca", megabytes=BUNDLE_MEGABYTES))
    try:
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
        for kind, found in blocks(bundle):
            if kind == "CERTIFICATE":
                with suppress(ValueError):
                    yield load_pem_x509_certificate(found)


def public_cas(besides: Path | None = None) -> bytes:
    """The CAs that this machine trusts, in a file that is not `besides`."""
    file = public_bundle(besides)
    return b"" if file is None else file.read_bytes()


def joined(*bundles: bytes) -> bytes:
    """One file of several, each on lines of its own."""
    return b"\n".join(bundle.strip() for bundle in bundles) + b"\n"
