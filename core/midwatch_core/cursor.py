"""The cursor of a listing: the place after the last row of a page, opaque to whoever carries it."""

import base64
import json
from datetime import UTC, datetime, timedelta

from midwatch_core.errors import StorageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST = 1024
_MOST_DIGITS = 9


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exact. Raises StorageError for a moment without a time zone."""
    if moment.tzinfo is None:
        raise StorageError(f"{moment.isoformat()} has no time zone")
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(since_epoch_us: int) -> datetime:
    """The moment, in UTC, of microseconds since 1970."""
    return _EPOCH + _MICROSECOND * since_epoch_us


def encode_cursor(started_at: datetime, exchange_id: str) -> str:
    """The cursor after the row of this exchange: safe in a URL."""
    data = json.dumps([microseconds(started_at), exchange_id], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, str]:
    """`started_at` and id that a cursor stands for. Raises StorageError for one that is none of ours."""
    if len(cursor) > _LONGEST:
        raise StorageError("not a cursor of this listing")
    try:
        started_at, exchange_id = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if type(started_at) is not int or type(exchange_id) is not str:
            raise TypeError
        exchange_id.encode()
        return moment_of(started_at), exchange_id
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise StorageError("not a cursor of this listing") from error


def encode_finding_cursor(at: datetime, exchange_id: str, position: int) -> str:
    """The cursor after an exchange's finding, `position` counted from 0 among those of its exchange."""
    return encode_cursor(at, f"{position} {exchange_id}")


def decode_finding_cursor(cursor: str) -> tuple[datetime, str, int]:
    """`at`, exchange and position that a cursor stands for. Raises StorageError for one that is none of ours."""
    at, place = decode_cursor(cursor)
    position, space, exchange_id = place.partition(" ")
    if not space or not position.isascii() or not position.isdecimal() or len(position) > _MOST_DIGITS:
        raise StorageError("not a cursor of this listing")
    return at, exchange_id, int(position)
