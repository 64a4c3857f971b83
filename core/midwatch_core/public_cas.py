"""Where this machine keeps the CAs that it trusts, in a file: what a bundle of ours begins with."""

import os
import ssl
from importlib.resources import files
from pathlib import Path

# What each system's own command makes anew. OpenSSL alone would not tell: Fedora has it read a folder since 42.
# https://fedoraproject.org/wiki/Changes/dropingOfCertPemFile, https://github.com/openSUSE/ca-certificates
SYSTEM_BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),  # Debian, Ubuntu, Alpine, Arch
    Path("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),  # Fedora, RHEL
    Path("/etc/ssl/ca-bundle.pem"),  # SUSE
)


def system_bundle() -> Path | None:
    """The system's own; None where it has none, as on macOS and Windows."""
    return next((file for file in SYSTEM_BUNDLES if file.is_file()), None)


def public_bundle(besides: Path | None = None) -> Path | None:
    """The file that `SSL_CERT_FILE` names, unless that is `besides`, else the system's, else certifi's, else none."""
    paths = ssl.get_default_verify_paths()
    told = (os.environ.get("SSL_CERT_FILE"), paths.cafile, paths.openssl_cafile)
    for file in (*(Path(name) for name in told if name), *SYSTEM_BUNDLES, *_certifi()):
        if file.is_file() and not (besides and besides.exists() and besides.samefile(file)):
            return file
    return None


def _certifi() -> list[Path]:
    """A package that most clients over TLS bring, and this one does not."""
    try:
        return [Path(str(files("certifi").joinpath("cacert.pem")))]
    except ModuleNotFoundError:
        return []
