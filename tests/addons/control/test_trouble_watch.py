"""Troubles in control: raised when they begin, kept up while they go on, and told as over when they are."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from midwatch.control.troubles import KEEP_UP_S, TroubleWatch, condition_of
from midwatch.proxy.numbers import EDGES, JOURNALING
from midwatch_core.breaker import SECURITY, STORE, BreakerState
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.model.alert import Alert
from midwatch_core.model.finding import Severity
from midwatch_core.pipeline import METRICS as PIPELINE_METRICS
from midwatch_core.pipeline import Pipeline
from midwatch_core.plugin_metrics import DISABLED, ON_TRIAL
from midwatch_core.plugin_metrics import METRICS as PLUGIN_METRICS
from midwatch_core.troubles import Condition
from midwatch_journal import JournalReader
from midwatch_memory.traces import MemoryTraces
from tests.addons.control.incident_house import NOW, IncidentHouse, Time

OPEN = Condition(breakers={STORE: BreakerState.OPEN, SECURITY: BreakerState.HALF_OPEN})


@dataclass
class Watched:
    condition: Condition = field(default_factory=Condition)
    time: Time = field(default_factory=Time)
    raised: list[Alert] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        for specs in (PIPELINE_METRICS, PLUGIN_METRICS, (*EDGES, *JOURNALING)):
            self.metrics.declare(specs)
        self.watch = TroubleWatch(lambda: self.condition, self.raised.append, self.metrics, clock=self.time)

    def look(self, condition: Condition, at_s: float = 0.0) -> list[Alert]:
        """What is raised by a look at this condition at this time."""
        self.condition, self.time.passed_s = condition, at_s
        self.raised.clear()
        self.watch.look()
        return list(self.raised)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_trouble_is_raised_when_it_begins_and_when_it_is_over(watched: Watched) -> None:
    (began,) = watched.look(OPEN)
    assert (began.fingerprint, began.category, began.severity, began.tenant) == (
        "breaker:store",
        "breaker",
        Severity.HIGH,
        None,
    )
    assert (began.at, began.count, began.details, began.resolved) == (NOW, 1, {"part": "store"}, False)
    assert watched.look(OPEN, 1.0) == []
    (over,) = watched.look(Condition(), 40.0)
    assert (over.fingerprint, over.resolved) == ("breaker:store", True)


def test_what_goes_on_is_raised_again_in_time_and_counts_nothing(watched: Watched) -> None:
    (began,) = watched.look(OPEN)
    again = [item for at_s in range(1, 300) for item in watched.look(OPEN, float(at_s))]
    assert [item.count for item in again] == [0] * 9
    for before, after in zip([began, *again], again, strict=False):
        assert before.expires_at is not None
        assert (after.at - before.at).total_seconds() == KEEP_UP_S
        assert after.at < before.expires_at


def test_breakers_are_gauges_whatever_is_raised(watched: Watched) -> None:
    watched.look(OPEN)
    values = {item.labels[0]: item.values[0] for item in watched.metrics.samples() if item.name == "midwatch_breaker"}
    assert values == {STORE: 2, SECURITY: 1}


async def test_a_restart_in_the_middle_of_a_trouble_tells_nobody_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = IncidentHouse(tmp_path / "incidents.open")
    await house.metadata.start()
    watch = TroubleWatch(lambda: OPEN, house.room.raise_alert, house.metrics, clock=house.time)
    async with house.running():
        watch.look()
        await house.until_kept("breaker:store")
        assert await house.until_told(1) == [("breaker:store", "began")]
    house.time.passed_s = 660
    after = house.again()
    caplog.set_level(logging.INFO)
    caplog.clear()
    await after.room.start()
    watch = TroubleWatch(lambda: OPEN, after.room.raise_alert, after.metrics, clock=house.time)
    for at_s in range(660, 960):
        house.time.passed_s = at_s
        watch.look()
        after.room.look()
    assert [(item.fingerprint, item.count) for item in after.room.open()] == [("breaker:store", 2)]
    assert caplog.text == ""


async def test_the_condition_is_read_from_all_processes_metrics(watched: Watched, tmp_path: Path) -> None:
    metrics = watched.metrics
    metrics.set(DISABLED, 2, ("slow",))
    metrics.set(DISABLED, 0, ("well",))
    metrics.set(ON_TRIAL, 1, ("tried",))
    metrics.set("midwatch_journal_dropped_total", 7)
    metrics.set("midwatch_connections_turned_away", 20)
    metrics.set("midwatch_addresses_waiting", 2)
    with JournalReader(tmp_path / "journal") as reader:
        pipeline = Pipeline(reader, MemoryTraces(), Plugins(), metrics, stored=lambda _: None)
        condition = condition_of(
            metrics.samples(), pipeline, journal_bytes=5, journal_max_bytes=9, said={"slow": "TimeoutError", "x": "y"}
        )
    assert condition == Condition(
        breakers={STORE: BreakerState.CLOSED, SECURITY: BreakerState.OPEN},
        journal_bytes=5,
        journal_max_bytes=9,
        dropped=7,
        turned_away=20,
        waiting=2,
        disabled={"slow": "TimeoutError"},
        on_trial=frozenset({"tried"}),
    )
