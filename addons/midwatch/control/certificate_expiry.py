"""When our CA's certificate expires: what clients trust has an end, and they must be told of the next one before it."""

import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

logger = logging.getLogger(__name__)


def expires_at(certificate: Path) -> datetime | None:
    """The end of the first of a file's certificates (PEM) to expire; None where there is no file, or none can be read.

    By the standard library alone: a package for certificates is larger than the rest of what looks here.
    """
    try:
        pem = certificate.read_text("ascii")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=pem)
        ends = [ssl.cert_time_to_seconds(str(found["notAfter"])) for found in context.get_ca_certs()]
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # what ssl raises is an OSError
        logger.error("when the CA's certificate expires can't be told: %s: %s", certificate, error)
        return None
    return datetime.fromtimestamp(min(ends), UTC) if ends else None
