"""The tally: sums over workers that never step back, whoever dies, is silent or comes back under the same name."""

from dataclasses import dataclass
from typing import Any

import pytest

from midwatch.control.tally import Tally
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec

CALLS = MetricSpec(name="calls_total", kind=MetricKind.COUNTER, help="Calls")
OPEN = MetricSpec(name="open", kind=MetricKind.GAUGE, help="Open calls")


@dataclass
class Clock:
    at_s: float = 100.0

    def __call__(self) -> float:
        return self.at_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tally(clock: Clock) -> Tally:
    metrics = Metrics()
    metrics.declare([CALLS, OPEN])
    metrics.add("calls_total", 1000)
    return Tally(metrics, now=clock)


def beat(worker: str, pid: int, calls: float, opened: float = 0, *, last: bool = False) -> dict[str, Any]:
    return {
        "worker": worker,
        "pid": pid,
        "last": last,
        "metrics": [["calls_total", [], [calls]], ["open", [], [opened]], ["unknown", [], [1]]],
    }


def value(tally: Tally, name: str) -> float:
    return sum(item.values[0] for item in tally.samples() if item.name == name)


def test_workers_and_control_are_summed(tally: Tally) -> None:
    tally.take(beat("w0", 1, 5, 2))
    tally.take(beat("w1", 2, 7, 3))
    tally.take(beat("w0", 1, 6, 1))
    assert (value(tally, "calls_total"), value(tally, "open")) == (1013, 4)
    assert tally.living() == ["w0", "w1"]


def test_only_the_metrics_asked_for_are_summed(tally: Tally) -> None:
    tally.take(beat("w0", 1, 5, 2))
    tally.take(beat("w1", 2, 7, 3, last=True))
    assert [(item.name, item.values) for item in tally.samples({"calls_total"})] == [("calls_total", (1012,))]


def test_a_worker_that_ended_leaves_its_counts_and_no_gauges(tally: Tally) -> None:
    tally.take(beat("w0", 1, 5, 2, last=True))
    assert (value(tally, "calls_total"), value(tally, "open")) == (1005, 0)
    assert tally.living() == []


def test_one_that_was_killed_and_started_again_counts_on(tally: Tally) -> None:
    tally.take(beat("w0", 1, 5, 2))
    tally.take(beat("w0", 2, 1, 1))
    assert (value(tally, "calls_total"), value(tally, "open")) == (1006, 1)
    assert tally.living() == ["w0"]


def test_a_silent_one_is_not_living_but_counted_once_when_it_comes_back(tally: Tally, clock: Clock) -> None:
    tally.take(beat("w0", 1, 5, 2))
    clock.at_s += 60
    assert tally.living() == []
    assert (value(tally, "calls_total"), value(tally, "open")) == (1005, 0)
    tally.take(beat("w0", 1, 9, 2))
    assert tally.living() == ["w0"]
    assert (value(tally, "calls_total"), value(tally, "open")) == (1009, 2)


def test_memory_does_not_grow_with_restarts(tally: Tally) -> None:
    for pid in range(1000):
        tally.take(beat("w0", pid, 1))
    assert len(tally._workers) == 1
    assert value(tally, "calls_total") == 2000


@pytest.mark.parametrize("message", [{}, {**beat("w", 1, 1), "pid": "x"}, {**beat("w", 1, 1), "metrics": [1]}])
def test_what_is_no_beat_is_refused_and_leaves_nothing(tally: Tally, message: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        tally.take(message)
    assert tally.living() == []


def test_what_plugins_said_is_kept_by_name_and_a_beat_without_it_is_a_beat(tally: Tally) -> None:
    tally.take(beat("w0", 1, 5) | {"plugin_errors": {"acme": "ValueError: one", "other": "no"}})
    tally.take(beat("w1", 2, 5) | {"plugin_errors": {"acme": "ValueError: two"}})
    tally.take(beat("w2", 3, 5))
    assert tally.plugin_errors == {"acme": "ValueError: two", "other": "no"}


def test_one_from_whom_another_has_taken_over_counts_and_is_not_among_the_living(tally: Tally) -> None:
    tally.take({**beat("w0", 1, 10, opened=3), "leaving": True})
    tally.take(beat("w0b", 2, 5, opened=1))
    assert tally.living() == ["w0b"]
    assert {item.name: item.values[0] for item in tally.samples()} == {"calls_total": 1015, "open": 4}
    tally.take({**beat("w0", 1, 11, last=True), "leaving": True})
    assert {item.name: item.values[0] for item in tally.samples()} == {"calls_total": 1016, "open": 1}
