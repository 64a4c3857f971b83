"""Certificates that servers ask us for (`upstream.client_certificates`): checked, and put where mitmproxy looks."""

import hashlib
import logging
import ssl
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from midwatch.home import Home
from midwatch_core.errors import ConfigError

logger = logging.getLogger(__name__)

_KEY = "upstream.client_certificates"
_MOST = 1000
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH


def check_server_certificates(given: Path | Mapping[str, Path] | None) -> None:
    """Raises ConfigError where one of them can't be used: no worker could show it. Warns of keys that others may read.

    Each file is a private key without a passphrase and the chain of its certificate, the server's own name first.
    """
    for name, file in _files(given).items():
        place = f"{_KEY}: {name}: {file}"
        try:
            mode = file.stat().st_mode
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(file, password=lambda: "")
        except OSError as error:  # SSLError is one
            reason = error.strerror if not isinstance(error, ssl.SSLError) else (error.reason or "not PEM")
            raise ConfigError(
                f"{place}: {reason}; expected PEM with a private key that has no passphrase, and its certificate"
            ) from error
        except ValueError as error:
            raise ConfigError(f"{place}: the private key has a passphrase; give one without") from error
        if mode & _OTHERS_READ:
            logger.warning("%s: can be read by others; chmod 600 it", place)


def certificates_folder(home: Home, given: Path | Mapping[str, Path] | None) -> Path | None:
    """The folder of NAME.pem files that mitmproxy looks into; None where there are no certificates.

    Files named one by one are linked there, never copied: a key stays where it is.
    """
    if given is None or isinstance(given, Path):
        return given.expanduser() if given is not None else None
    files = _files(given)
    digest = hashlib.blake2b(repr(sorted(files.items())).encode(), digest_size=8).hexdigest()
    folder = home.run / f"client-certificates-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, file in files.items():
        with suppress(FileExistsError):  # another worker was first
            (folder / f"{name}.pem").symlink_to(file)
    return folder


def _files(given: Path | Mapping[str, Path] | None) -> dict[str, Path]:
    """The files by server name. Raises ConfigError for a folder that is none, or holds too many."""
    if given is None:
        return {}
    if not isinstance(given, Path):
        return {name: file.expanduser().absolute() for name, file in given.items()}
    folder = given.expanduser()
    if not folder.is_dir():
        raise ConfigError(
            f"{_KEY}: {given}: no folder; name the servers one by one, or give a folder of NAME.pem files"
        )
    files = {file.stem: file for file in sorted(folder.glob("*.pem"))}
    if len(files) > _MOST:
        raise ConfigError(f"{_KEY}: {given}: more than {_MOST} files")
    return files
