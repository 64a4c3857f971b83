"""Charts: ticks, slots of time, columns and lines; every shape is inside of its chart, and gaps stay gaps."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_web.charts.columns import columns
from midwatch_web.charts.figure import HEIGHT, Axis, Series
from midwatch_web.charts.lines import lines
from midwatch_web.charts.scale import milliseconds, money, percent, short, ticks
from midwatch_web.charts.slots import MOST_SLOTS, slots_between

NOW = datetime(2026, 11, 23, 1, 45, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("most", "wanted"),
    [
        (7, (0, 2, 4, 6, 8)),
        (34, (0, 10, 20, 30, 40)),
        (0.0123, (0, 0.005, 0.01, 0.015)),
        (1000, (0, 250, 500, 750, 1000)),
    ],
    ids=str,
)
def test_ticks_are_round_and_reach_the_highest_value(most: float, wanted: tuple[float, ...]) -> None:
    assert ticks(most) == pytest.approx(wanted)


def test_ticks_of_counts_are_whole() -> None:
    assert ticks(1, whole=True) == (0, 1)
    assert ticks(3, whole=True) == (0, 1, 2, 3)


@pytest.mark.parametrize("most", [0, -3, float("nan"), float("inf")], ids=str)
def test_nothing_to_draw_still_has_a_scale(most: float) -> None:
    assert ticks(most) == (0, 1)


@given(st.floats(1e-12, 1e15), st.booleans())
def test_ticks_are_few_even_and_high_enough(most: float, whole: bool) -> None:
    found = ticks(most, whole=whole)
    steps = {round((after - before) / found[1], 6) for before, after in pairwise(found)}
    assert (found[0], steps) == (0, {1.0})
    assert len(found) <= 6
    assert found[-1] >= most * (1 - 1e-6)


def test_values_are_told_in_few_characters() -> None:
    assert [short(value) for value in (0, 0.25, 950, 1500, 12e6, 3e9)] == ["0", "0.25", "950", "1.5k", "12M", "3G"]
    assert [money(value) for value in (0, 0.005, 2, 1500)] == ["$0", "$0.005", "$2.00", "$1.5k"]
    assert percent(0.0512) == "5.12 %"
    assert [milliseconds(value) for value in (0, 50, 3000)] == ["0", "50 ms", "3 s"]


@pytest.mark.parametrize(
    ("back", "words", "count"),
    [
        (timedelta(hours=1), "hour", 2),
        (timedelta(hours=24), "hour", 25),
        (timedelta(days=7), "2 hours", 85),
        (timedelta(days=12), "3 hours", 97),
        (timedelta(days=30), "day", 31),
        (timedelta(days=300), "7 days", 43),
        (timedelta(days=365 * 50), "365 days", 51),
    ],
    ids=str,
)
def test_a_longer_window_has_coarser_slots(back: timedelta, words: str, count: int) -> None:
    slots = slots_between(NOW - back, NOW)
    assert (slots.words, len(slots.starts)) == (words, count)


@given(MOMENTS, MOMENTS, st.sampled_from([timedelta(hours=1), timedelta(days=1)]))
def test_slots_hold_their_window_and_are_never_many(since: datetime, until: datetime, finest: timedelta) -> None:
    slots = slots_between(since, until, finest=finest)
    assert 1 <= len(slots.starts) <= MOST_SLOTS
    assert slots.step >= finest
    assert slots.starts[0] <= since < slots.starts[0] + slots.step
    if since < until:
        assert slots.starts[-1] < until <= slots.starts[-1] + slots.step
    assert 0 <= len(slots.marks()) <= 9
    assert all(0 <= place < len(slots.starts) for place, _ in slots.marks())
    assert all(slots.name(place) for place in range(len(slots.starts)))


def test_a_label_falls_into_the_slot_that_holds_it() -> None:
    slots = slots_between(NOW - timedelta(days=7), NOW)
    assert slots.key == "hour"
    assert slots.place("2026-11-16T01:00") == 0
    assert slots.place("2026-11-16T02:00") == 1
    assert slots.place("2026-11-23T01:00") == 84
    assert [slots.place(label) for label in ("2026-11-15T23:00", "2026-11-23T02:00", None, "")] == [None] * 4
    days = slots_between(NOW - timedelta(days=7), NOW, finest=timedelta(days=1))
    assert (days.key, days.place("2026-11-23"), days.name(7)) == ("day", 7, "2026-11-23")


def test_marks_stand_at_midnights_and_round_hours() -> None:
    assert [text for _, text in slots_between(NOW - timedelta(hours=24), NOW).marks()] == [
        "06:00",
        "12:00",
        "18:00",
        "23 Nov",
    ]
    assert slots_between(NOW - timedelta(days=30), NOW).marks()[:2] == ((0, "24 Oct"), (5, "29 Oct"))


AXIS = Axis(names=("one", "two", "three", "four"), marks=((0, "1"), (2, "3")))


def test_columns_stand_on_each_other() -> None:
    made = columns(
        "Calls",
        AXIS,
        [Series(name="a", style="x", values=[6, 0, 1, 0]), Series(name="b", style="y", values=[2, 0, 0, 0])],
    )
    assert made.scale == ["8", "6", "4", "2", "0"]
    assert [(bar.style, bar.y, bar.height) for bar in made.bars] == [
        ("x", HEIGHT * 0.25, HEIGHT * 0.75),
        ("y", 0, HEIGHT * 0.25),
        ("x", HEIGHT * 0.875, HEIGHT * 0.125),
    ]
    assert made.spots[0].title == "one\na: 6\nb: 2"
    assert made.summary == "Calls: at most 8, one"
    assert made.key == [("x", "a"), ("y", "b")]


def test_what_is_there_at_all_is_seen() -> None:
    made = columns("Calls", AXIS, [Series(name="a", style="x", values=[100_000, 1, 0, 0])])
    assert [bar.height for bar in made.bars] == [HEIGHT, 1.0]


def test_a_line_has_gaps_and_lone_points() -> None:
    made = lines("Time", AXIS, [Series(name="a", style="x", values=[1, 2, None, 4])])
    assert [(part.x1, part.x2) for part in made.strokes] == [(12.5, 37.5), (87.5, 87.5)]
    assert [(part.y1, part.y2) for part in made.strokes] == [(HEIGHT * 0.75, HEIGHT * 0.5), (0, 0)]
    assert made.spots[2].title == "three\nnothing"


def test_a_chart_of_nothing_says_so() -> None:
    nothing = [Series(name="a", style="x", values=[None] * 4)]
    assert lines("Time", AXIS, nothing).summary == "Time: nothing in this time"
    assert lines("Time", AXIS, nothing).strokes == []
    zeros = columns("Calls", AXIS, [Series(name="a", style="x", values=[0] * 4)])
    assert (zeros.summary, zeros.bars) == ("Calls: nothing in this time", [])


VALUES = st.lists(st.none() | st.floats(0, 1e15), min_size=1, max_size=60)


@given(VALUES, st.data())
def test_every_shape_is_inside_of_its_chart(values: list[float | None], data: st.DataObject) -> None:
    more = data.draw(st.lists(st.none() | st.floats(0, 1e15), min_size=len(values), max_size=len(values)))
    axis = Axis(names=[str(number) for number in range(len(values))])
    series = [Series(name="a", style="x", values=values), Series(name="b", style="y", values=more)]
    for bar in columns("c", axis, series).bars:
        assert 0 <= bar.x <= bar.x + bar.width <= 100
        assert -2 <= bar.y <= bar.y + bar.height <= HEIGHT + 1e-6
    for part in lines("l", axis, series).strokes:
        assert 0 <= part.x1 <= part.x2 <= 100
        assert -1e-6 <= min(part.y1, part.y2) <= max(part.y1, part.y2) <= HEIGHT
