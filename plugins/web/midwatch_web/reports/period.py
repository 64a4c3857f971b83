"""The period of an order: a preset, or two days; moments are UTC."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from midwatch_core import ReportError

type Period = tuple[datetime, datetime]


def _last(days: int) -> Callable[[datetime], Period]:
    return lambda now: (_midnight(now.date() - timedelta(days=days)), now)


def _this_month(now: datetime) -> Period:
    return _midnight(now.date().replace(day=1)), now


def _last_month(now: datetime) -> Period:
    until = now.date().replace(day=1)
    return _midnight((until - timedelta(days=1)).replace(day=1)), _midnight(until)


PRESETS: Mapping[str, tuple[str, Callable[[datetime], Period]]] = {
    "7d": ("The last 7 days", _last(7)),
    "30d": ("The last 30 days", _last(30)),
    "90d": ("The last 90 days", _last(90)),
    "this-month": ("This month", _this_month),
    "last-month": ("Last month", _last_month),
    "days": ("From day to day, below", lambda now: (now, now)),
}
"""By the value that the form sends: what people read, and the period at a moment."""


def period_of(fields: Mapping[str, str], now: datetime) -> Period:
    """The period of a form: `period` is a preset; with `days`, from `since` to `until`, both days included.

    Raises ReportError for what is no day.
    """
    chosen = fields.get("period", "30d")
    if chosen != "days":
        if chosen not in PRESETS:
            raise ReportError("that is no period: choose one of the list")
        return PRESETS[chosen][1](now)
    try:
        since, until = (date.fromisoformat(fields.get(name, "")) for name in ("since", "until"))
        return _midnight(since), _midnight(until + timedelta(days=1))
    except (ValueError, OverflowError) as error:
        raise ReportError("give both days, as 2026-11-30") from error


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
