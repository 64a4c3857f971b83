"""What a receiver's answer means: taken, to be tried again, to be left alone for a while, or never to be taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

import orjson

from midwatch_alerts.channels.channel import ChannelError
from midwatch_alerts.wording.plain import one_line

# The same message may be taken later: request timeout, too early, too many requests (RFC 9110, RFC 8470, RFC 6585).
_LATER = frozenset({408, 425, 429})
_MOST_WAIT_S = 24 * 3600.0
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Response:
    """An answer over HTTP; `text` is its beginning, `headers` have names in small letters."""

    status: int
    headers: Mapping[str, str]
    text: str

    def document(self) -> dict[str, Any]:
        """The JSON object it is; an empty one where it is none."""
        try:
            found = orjson.loads(self.text)
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}


def check_status(response: Response, now: datetime) -> None:
    """Raises ChannelError for anything but 2xx."""
    if not 200 <= response.status < 300:
        raise problem(response, now)


def problem(response: Response, now: datetime, *, status: int | None = None) -> ChannelError:
    """The error an answer is. `status` is the one that a lying 200 says within, 0 where it says none."""
    meant = response.status if status is None else status
    said = one_line(response.text, _SHOWN)
    words = f"answers {response.status}"
    if status:
        words += f", and within it {status}"
    return ChannelError(
        f"{words}: {said}" if said else words,
        wait_s=_asked_s(response, now),
        refused=400 <= meant < 500 and meant not in _LATER,
    )


def _asked_s(response: Response, now: datetime) -> float | None:
    """By the header; or in the document, as Discord (`retry_after`) and Telegram (in `parameters`) tell it."""
    header = retry_after_s(response.headers.get("retry-after"), now)
    if header is not None:
        return header
    document = response.document()
    parameters = document.get("parameters")
    within = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return seconds(document.get("retry_after", within))


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After asks for, in seconds or until a date; None where it says nothing sound."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return min(float(text.strip()[:9]), _MOST_WAIT_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return seconds(text)
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max(0.0, (at - now).total_seconds()), _MOST_WAIT_S)


def seconds(value: object) -> float | None:
    """A wait that a body tells, in seconds; None where it is no sound number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value.encode("ascii") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return min(number, _MOST_WAIT_S) if isfinite(number) and number >= 0 else None
