"""Alerts of any plugin as they can be kept: short, on one line, in UTC."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.alert_bounds import MAX_DETAIL, MAX_DETAILS, MAX_TITLE, bounded_alert
from midwatch_core.model.alert import Alert
from midwatch_core.model.finding import Severity

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
PLAIN = Alert(
    at=NOW,
    category="budget",
    severity=Severity.HIGH,
    title="acme spent its day",
    fingerprint="budget:acme",
    tenant="acme",
    details={"rule": "day"},
    count=0,
    expires_at=NOW + timedelta(hours=3),
)


def test_an_alert_like_others_stays_as_it_is() -> None:
    assert bounded_alert(PLAIN) == PLAIN


def test_a_title_is_one_line_and_ends_with_an_ellipsis_where_it_was_cut() -> None:
    assert bounded_alert(replace(PLAIN, title=" a\r\nb\u2028c\td ")).title == "a b c d"
    cut = bounded_alert(replace(PLAIN, title="x" * 10_000)).title
    assert (len(cut), cut[-2:]) == (MAX_TITLE, "x…")


def test_details_are_few_and_short_texts() -> None:
    many = {f"key{number}": "y" * 10_000 for number in range(1000)}
    details = bounded_alert(replace(PLAIN, details=many)).details
    assert len(details) == MAX_DETAILS
    assert {len(value) for value in details.values()} == {MAX_DETAIL}
    odd: dict[str, str] = {"agent": None, "calls": 12}  # type: ignore[dict-item]  # as a careless plugin has them
    assert bounded_alert(replace(PLAIN, details=odd)).details == {"agent": "", "calls": "12"}


def test_long_fingerprints_stay_apart() -> None:
    one, two = (bounded_alert(replace(PLAIN, fingerprint="f" * 1000 + end)).fingerprint for end in "ab")
    assert one != two
    assert len(one) == len(two) < 500


@pytest.mark.parametrize(
    "at", [datetime(2026, 11, 26, 9, 0), datetime(2026, 11, 26, 11, 0, tzinfo=timezone(timedelta(hours=2)))]
)
def test_moments_are_in_utc(at: datetime) -> None:
    bounded = bounded_alert(replace(PLAIN, at=at, expires_at=at))
    assert (bounded.at, bounded.expires_at) == (NOW, NOW)
    assert bounded.at.tzinfo is UTC


def test_the_last_moment_of_the_calendar_is_one_in_every_zone() -> None:
    end = datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))
    assert bounded_alert(replace(PLAIN, expires_at=end)).expires_at == datetime.max.replace(tzinfo=UTC)


@given(st.text(st.characters(codec=None)), st.integers())
def test_any_text_can_be_kept_by_every_store(text: str, count: int) -> None:
    bounded = bounded_alert(
        replace(PLAIN, title=text, category=text, fingerprint=text, tenant=text, details={text: text}, count=count)
    )
    for kept in (bounded.title, bounded.category, bounded.fingerprint, bounded.tenant or "", *bounded.details.values()):
        assert "\0" not in kept.encode().decode()
    assert bounded.count >= 0
