"""Periods: every moment is in exactly one, on the calendar of UTC, and the next one begins where it ends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.governing.periods import span_at
from midwatch_core.governing.settings import Period

MOMENTS = st.datetimes(datetime(1970, 2, 1), datetime(2099, 12, 31), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("period", "begins", "ends"),
    [
        (Period.HOUR, "2028-02-29T23:00", "2028-03-01T00:00"),
        (Period.DAY, "2028-02-29T00:00", "2028-03-01T00:00"),
        (Period.WEEK, "2028-02-28T00:00", "2028-03-06T00:00"),
        (Period.MONTH, "2028-02-01T00:00", "2028-03-01T00:00"),
    ],
)
def test_the_last_second_of_a_leap_day(period: Period, begins: str, ends: str) -> None:
    span = span_at(period, datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC).timestamp())
    assert f"{span.begins:%Y-%m-%dT%H:%M}" == begins
    assert f"{span.ends:%Y-%m-%dT%H:%M}" == ends


@given(MOMENTS, st.sampled_from(Period))
def test_periods_hold_their_moment_and_follow_each_other(at: datetime, period: Period) -> None:
    span = span_at(period, at.timestamp())
    assert span.begins <= at < span.ends
    assert span_at(period, span.begins_s) == span
    assert span_at(period, span.ends_s).begins_s == span.ends_s
    assert span_at(period, span.begins_s - 1).ends_s == span.begins_s


@given(MOMENTS)
def test_periods_are_those_of_the_calendar(at: datetime) -> None:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    assert span_at(Period.HOUR, at.timestamp()).begins == at.replace(minute=0, second=0, microsecond=0)
    assert span_at(Period.DAY, at.timestamp()).begins == midnight
    assert span_at(Period.WEEK, at.timestamp()).begins == midnight - timedelta(days=at.weekday())
    assert span_at(Period.MONTH, at.timestamp()).begins == midnight.replace(day=1)
