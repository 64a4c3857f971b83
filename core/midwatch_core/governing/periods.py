"""The periods of budgets on the calendar, in UTC: where one begins and ends. Seconds are those since 1970."""

from datetime import UTC, datetime
from typing import NamedTuple

from midwatch_core.governing.settings import Period

_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S
_WEEK_S = 7 * _DAY_S
# 1970 began on a Thursday: its first Monday was the fifth of January.
_MONDAY_S = 4 * _DAY_S


class Span(NamedTuple):
    """One period: from `begins_s` on, before `ends_s`."""

    begins_s: int
    ends_s: int

    @property
    def begins(self) -> datetime:
        """Its first moment, in UTC."""
        return datetime.fromtimestamp(self.begins_s, UTC)

    @property
    def ends(self) -> datetime:
        """The first moment after it, in UTC."""
        return datetime.fromtimestamp(self.ends_s, UTC)


def span_at(period: Period, now_s: float) -> Span:
    """The period that this moment is in."""
    if period is Period.MONTH:
        return _month_at(now_s)
    length, offset = {Period.HOUR: (_HOUR_S, 0), Period.DAY: (_DAY_S, 0), Period.WEEK: (_WEEK_S, _MONDAY_S)}[period]
    begins = int((now_s - offset) // length * length) + offset
    return Span(begins, begins + length)


def _month_at(now_s: float) -> Span:
    now = datetime.fromtimestamp(now_s, UTC)
    begins = datetime(now.year, now.month, 1, tzinfo=UTC)
    year, month = (now.year, now.month + 1) if now.month < 12 else (now.year + 1, 1)
    return Span(int(begins.timestamp()), int(datetime(year, month, 1, tzinfo=UTC).timestamp()))
