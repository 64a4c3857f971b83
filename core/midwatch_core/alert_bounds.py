"""What of an alert can be kept and told: bounded, of characters that every store and channel takes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice

from midwatch_core.model.alert import Alert

MAX_TITLE = 500
MAX_DETAIL = 2000
MAX_DETAILS = 40
_MAX_WORD = 100
_MAX_FINGERPRINT = 400
_MAX_COUNT = 2**53
# PostgreSQL has no NUL in texts, UTF-8 no half of a surrogate pair.
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029\t]+")


def bounded_alert(alert: Alert) -> Alert:
    """The same alert with its texts cut to what is kept, its title one line, its moments in UTC.

    A moment without a time zone is one in UTC. Long fingerprints stay apart by a digest.
    """
    return replace(
        alert,
        at=_moment(alert.at),
        category=_kept(alert.category, _MAX_WORD),
        title=_kept(_BREAKS.sub(" ", alert.title).strip(), MAX_TITLE),
        fingerprint=_fingerprint(alert.fingerprint),
        tenant=None if alert.tenant is None else _UNKEPT.sub("?", alert.tenant),
        details=_details(alert.details),
        count=max(0, min(alert.count, _MAX_COUNT)),
        expires_at=None if alert.expires_at is None else _moment(alert.expires_at),
    )


def _details(given: Mapping[str, str]) -> dict[str, str]:
    some = islice(given.items(), MAX_DETAILS)
    return {_kept(str(key), _MAX_WORD): _kept("" if value is None else str(value), MAX_DETAIL) for key, value in some}


def _kept(text: str, most: int) -> str:
    text = _UNKEPT.sub("?", text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _fingerprint(text: str) -> str:
    if len(text) <= _MAX_FINGERPRINT:
        return _UNKEPT.sub("?", text)
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{_UNKEPT.sub('?', text[:_MAX_FINGERPRINT])}#{digest}"


def _moment(at: datetime) -> datetime:
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:  # the first or last hours of the calendar, of another zone
        return at.replace(tzinfo=UTC)
