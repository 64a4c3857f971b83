"""Moments that need not be there, as the metadata's tables have them."""

from datetime import datetime

from midwatch_core import microseconds, moment_of


def optional_microseconds(moment: datetime | None) -> int | None:
    """Microseconds since 1970 UTC, NULL for None. Raises StorageError for a moment without a time zone."""
    return None if moment is None else microseconds(moment)


def optional_moment(stored: int | None) -> datetime | None:
    """The moment that is stored; None for NULL."""
    return None if stored is None else moment_of(stored)
