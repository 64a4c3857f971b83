"""`ca export`: what clients are to trust, in the form that somebody needs it in. Never a key."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from midwatch.cli.ca import files_of, given_in
from midwatch.home import Home
from midwatch.trust.steps import Files
from midwatch_core.errors import ConfigError


def export(home: Home, config_file: Path | None, file: Path | None, form: str) -> int:
    """Write it to a file, or to standard output. Raises ConfigError."""
    if form not in FORMS:
        raise ConfigError(f"--format {form}: expected one of {', '.join(FORMS)}")
    files = files_of(home, given_in(home, config_file))
    data = FORMS[form](home, files)
    if file is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    try:
        file.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    return 0


def _der(_: Home, files: Files) -> bytes:
    """One certificate alone: of several, the one in use."""
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(files.anchors[0].file.read_bytes()).public_bytes(Encoding.DER)


FORMS: Mapping[str, Callable[[Home, Files], bytes]] = {
    "pem": lambda _, files: files.certificate.read_bytes(),
    "bundle": lambda _, files: files.bundle.read_bytes(),
    "der": _der,
    "java": lambda home, _: home.java_store.read_bytes(),
}
