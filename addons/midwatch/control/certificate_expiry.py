"""When our CA's certificates expire: what clients trust has an end, and they must be told of the next one before it."""

import logging
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from midwatch.home import Home
from midwatch.trust.pem import certificates_in, moment_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """When the CA that signs is over, when the one that waits is, and when that takes over; None where not known."""

    active: datetime | None = None
    next: datetime | None = None
    next_from: datetime | None = None


def ends_of(home: Home) -> Ends:
    """The ends of what a home has now: of its own CAs, or of the one that `tls.ca` names."""
    if home.given_ca_chain.exists():
        return Ends(active=expires_at(home.given_ca_chain))
    waiting = _read(home.next_ca_file)
    return Ends(
        active=expires_at(home.ca_file),
        next=expires_at(home.next_ca_file),
        next_from=moment_of(waiting) if waiting else None,
    )


def expires_at(file: Path) -> datetime | None:
    """The end of the first of a file's certificates (PEM) to expire; None where there is no file, or none can be read.

    By the standard library alone: a package for certificates is larger than the rest of what looks here. A key beside
    them is passed over.
    """
    pem = _read(file)
    if pem is None:
        return None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=certificates_in(pem).decode("ascii"))
        ends = [ssl.cert_time_to_seconds(str(found["notAfter"])) for found in context.get_ca_certs()]
    except (OSError, ValueError) as error:  # what ssl raises is an OSError
        logger.error("when the CA's certificate expires can't be told: %s: %s", file, error)
        return None
    return datetime.fromtimestamp(min(ends), UTC) if ends else None


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        logger.error("when the CA's certificate expires can't be told: %s: %s", file, error.strerror)
        return None
