"""The CA of `tls.ca`: files from outside, such as a mounted Secret; its key is read where it is and copied nowhere."""

import logging
import stat
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509

from midwatch.home import Home
from midwatch.trust.authority import Authority, check_dates, read_authority
from midwatch.trust.bundles import certificates_of, joined, public_cas
from midwatch.trust.pem import blocks
from midwatch.trust.pem_file import read_pem
from midwatch.trust.publishing import publish
from midwatch_core.errors import ConfigError

logger = logging.getLogger(__name__)
# How all that is DER begins here (X.690, section 8.1).
_SEQUENCE = b"\x30"


def read_given(files: Sequence[Path]) -> Authority:
    """The CA in these files together, whichever holds what. Raises ConfigError.

    The root may be left out where this machine trusts it already, as cert-manager leaves it out of `tls.crt`.
    """
    pem = read_parts(files, "tls.ca")
    return read_authority(pem, f"tls.ca: {', '.join(map(str, files))}", known=certificates_of(public_cas()))


def check_given(files: Sequence[Path]) -> Authority:
    """The same, where nobody else may read the key. Raises ConfigError."""
    for file in files:
        check_closed(file)
    return read_given(files)


def check_holds(files: Sequence[Path], now: datetime) -> None:
    """Raises ConfigError for a CA that is over, or has not begun."""
    check_dates(read_given(files), now, f"tls.ca: {', '.join(map(str, files))}")


def publish_given(home: Home, files: Sequence[Path]) -> Authority:
    """Publish what clients are to trust where the home's own CA is not touched. Raises ConfigError."""
    found = check_given(files)
    try:
        publish(home.given_ca_certificate, anchors_of(found))
        publish(home.given_ca_chain, (found.certificate, *found.chain))
    except OSError as error:
        raise ConfigError(f"{error.filename or home.run}: {error.strerror}") from error
    return found


def anchors_of(authority: Authority) -> tuple[x509.Certificate, ...]:
    """The root, and other CAs in the files: whoever rotates outside puts the next or the last one there."""
    return (authority.anchor, *authority.others)


def check_closed(file: Path) -> None:
    """Raises ConfigError where everybody may read a key in it; warns where a group may, as it must in a pod."""
    if not _has_key(file):
        return
    mode = file.expanduser().stat().st_mode
    if mode & stat.S_IROTH:
        raise ConfigError(
            f"tls.ca: {file}: everybody may read the CA's key: chmod 600, or in Kubernetes `defaultMode: 0440`"
        )
    if mode & stat.S_IRGRP:
        logger.warning("tls.ca: %s: its group may read the CA's key too", file)


def read_parts(files: Sequence[Path], what: str) -> bytes:
    """Files of PEM as one. Raises ConfigError, also for one in the other form."""
    parts = {file: read_pem(file, what) for file in files}
    for file, data in parts.items():
        if data.startswith(_SEQUENCE) and not data.isascii():
            raise ConfigError(
                f"{what}: {file}: it is DER or PKCS #12; expected PEM, as `openssl x509 -inform der`, `openssl pkey"
                " -inform der` or `openssl pkcs12 -noenc` write it"
            )
    return joined(*parts.values())


def _has_key(file: Path) -> bool:
    return any(kind.endswith("PRIVATE KEY") for kind, _ in blocks(read_pem(file, "tls.ca")))
