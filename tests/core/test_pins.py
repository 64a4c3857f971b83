"""Pins: who refused our certificate, for how long; bounded, and told apart by process."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.pins import MOST_PINS, Pin, Pins, pin_of, pin_row

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def pin(**changes: Any) -> Pin:
    told = {"client": "10.0.0.7", "host": "api.openai.com", "fingerprint": "f1", "until": NOW + timedelta(hours=1)}
    return Pin(**{**told, **changes})


def test_a_pin_holds_for_its_client_host_and_fingerprint_until_its_time_is_over() -> None:
    pins = Pins([pin()])
    assert pins.held("10.0.0.7", "api.openai.com", "f1", NOW) == (pin(),)
    assert not pins.held("10.0.0.7", "api.openai.com", "f1", NOW + timedelta(hours=1))
    for other in (("10.0.0.8", "api.openai.com", "f1"), ("10.0.0.7", "x", "f1"), ("10.0.0.7", "api.openai.com", "f2")):
        assert not pins.held(*other, NOW)


def test_the_same_again_is_no_news_and_only_lengthens_its_time() -> None:
    pins = Pins()
    assert pins.add(pin())
    assert not pins.add(pin(until=NOW))
    assert pins.all() == [pin()]
    longer = pin(until=NOW + timedelta(hours=9))
    assert not pins.add(longer)
    assert pins.all() == [longer]


def test_two_programs_that_look_alike_are_two_pins() -> None:
    pins = Pins([pin(process="a"), pin(process="b"), pin()])
    assert {item.process for item in pins.held("10.0.0.7", "api.openai.com", "f1", NOW)} == {"a", "b", None}
    pins.discard(pin())
    pins.discard(pin(process="nobody"))
    assert [item.process for item in pins.all()] == ["a", "b"]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [({}, 0), ({"host": "x"}, 2), ({"client": "10.0.0.8"}, 2), ({"host": "x", "client": "10.0.0.8"}, 3)],
    ids=["all", "host", "client", "both"],
)
def test_forgetting_takes_those_for_which_all_that_is_given_holds(wanted: dict[str, str], left: int) -> None:
    pins = Pins([pin(), pin(host="x"), pin(client="10.0.0.8")])
    assert pins.forget(**wanted) == 3 - left
    assert len(pins.all()) == left


def test_those_that_end_first_make_room() -> None:
    pins = Pins(pin(host=f"h{number}", until=NOW + timedelta(seconds=number)) for number in range(MOST_PINS + 2))
    assert [item.host for item in pins.all()][:1] == ["h2"]
    assert len(pins.all()) == MOST_PINS
    assert pins.end(NOW + timedelta(seconds=3)) == 2


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20), st.none() | st.text(max_size=20))
def test_a_row_gives_the_pin_back(client: str, host: str, process: str | None) -> None:
    one = pin(client=client, host=host, process=process, why="its alert")
    assert pin_of(pin_row(one)) == one


JUNK = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=2))


@given(st.dictionaries(st.sampled_from(["client", "host", "fingerprint", "until", "process", "why"]), JUNK))
def test_what_is_no_row_of_a_pin_is_refused_in_a_known_way(row: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        pin_of(row)
