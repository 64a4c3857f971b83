"""Certificates: our CA, and the bundles in which it (or a provider's own CA) stands beside the public ones."""

import os
import ssl
from pathlib import Path

from midwatch.home import Home, write_private
from midwatch_core.errors import ConfigError

_KEY_BITS = 2048


def ensure_ca(home: Home) -> None:
    """Make the CA if there is none: before any worker starts, for two would make two."""
    if (home.ca / "mitmproxy-ca.pem").exists() and home.ca_certificate.exists():
        return
    from mitmproxy import certs

    certs.CertStore.create_store(home.ca, "mitmproxy", _KEY_BITS, organization="Midwatch", cn="Midwatch CA")
    (home.ca / "mitmproxy-ca.pem").chmod(0o600)


def write_upstream_bundle(home: Home, upstream_ca: Path) -> None:
    """The public CAs and those of `upstream_ca`. Raises ConfigError where that is no file of certificates."""
    try:
        extra = upstream_ca.expanduser().read_bytes()
        ssl.create_default_context(cadata=extra.decode("ascii"))
    except (OSError, ssl.SSLError, UnicodeDecodeError) as error:
        raise ConfigError(f"upstream_ca: {upstream_ca}: {error}; expected a file of PEM certificates") from error
    write_private(home.upstream_bundle, _joined(public_cas(), extra))


def write_client_bundle(home: Home) -> Path:
    """The CAs a client under `exec` trusts: the ones it trusts already, and ours."""
    write_private(home.client_bundle, _joined(public_cas(), home.ca_certificate.read_bytes()))
    return home.client_bundle


def public_cas() -> bytes:
    """The bundle that `SSL_CERT_FILE` names, else the system's, else certifi's."""
    paths = ssl.get_default_verify_paths()
    for name in (os.environ.get("SSL_CERT_FILE"), paths.cafile, paths.openssl_cafile, _certifi()):
        if name and Path(name).is_file():
            return Path(name).read_bytes()
    return b""


def _certifi() -> str:
    import certifi

    return certifi.where()


def _joined(*bundles: bytes) -> bytes:
    return b"\n".join(bundle.strip() for bundle in bundles) + b"\n"
