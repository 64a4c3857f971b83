"""How an installation stands: ready when it works and when its plugins are, and told by name."""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from midwatch.control.numbers import declared
from midwatch.control.standing import Standing
from midwatch.control.tally import Tally
from midwatch.crew.crew_file import Crew, State, write_crew
from midwatch.crew.crew_lock import hold
from midwatch.trust.pem import with_moment
from midwatch_core import hookimpl
from midwatch_core.contributions import PluginHealth
from midwatch_core.hosting import Plugins
from midwatch_core.model.content import Json
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Exchange
from midwatch_core.pipeline import Pipeline
from midwatch_core.testing.factories import make_exchange
from midwatch_core.troubles import FAILURES
from midwatch_journal import JournalReader
from midwatch_memory.traces import MemoryTraces
from tests.addons.control.certificates import ca_until
from tests.plugins.web.installed import settings_in


@dataclass
class Time:
    passed_s: float = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 26, tzinfo=UTC) + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s


class Loading:
    """A plugin that is ready when a test says so, and has packs that it can't use."""

    def __init__(self) -> None:
        self.ready = False
        self.asked = 0
        self.refused: list[Json] = []

    @hookimpl
    def health(self) -> PluginHealth:
        self.asked += 1
        refused = {"refused": self.refused} if self.refused else {}
        return PluginHealth(ready=self.ready, facts={"models": {"own": {"state": "loading"}}, **refused})

    @hookimpl
    def price(self, exchange: Exchange) -> Cost:
        raise KeyError("a model")


@pytest.fixture
def plugin() -> Loading:
    return Loading()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def standing(tmp_path: Path, plugin: Loading, time: Time) -> Standing:
    plugins = Plugins()
    plugins.add("own", lambda: plugin)
    plugins.activate({})
    settings = replace(settings_in(tmp_path / "home"), plugins=plugins)
    settings.home.prepare()
    metrics, reader = declared(plugins), JournalReader(settings.home.journal)
    tally = Tally(metrics)
    tally.take({"worker": "w0", "pid": 1, "last": False, "metrics": []})
    return Standing(
        settings=settings,
        private=False,
        metrics=metrics,
        tally=tally,
        reader=reader,
        pipeline=Pipeline(reader, MemoryTraces(), plugins, metrics, stored=lambda _: None),
        pool=None,
        started=True,
        clock=time,
    )


def test_it_is_ready_when_its_plugins_are(standing: Standing, plugin: Loading) -> None:
    health = standing.health()
    assert (health.started, health.ready) == (True, False)
    assert health.parts["plugins"] == {"own": {"ready": False, "models": {"own": {"state": "loading"}}}}
    plugin.ready = True
    assert standing.health().ready


def test_plugins_are_asked_when_all_have_been_started(standing: Standing, plugin: Loading) -> None:
    standing.started = False
    assert (standing.health().parts["plugins"], plugin.asked) == ({}, 0)


def test_a_status_has_the_health_of_each_plugin_in_its_row(standing: Standing) -> None:
    (row,) = standing.status()["plugins"]
    assert (row["name"], row["health"]["models"]) == ("own", {"own": {"state": "loading"}})


def test_a_plugin_that_fails_again_and_again_is_among_what_is_wrong_until_it_works(standing: Standing) -> None:
    plugins = standing.settings.plugins
    for _ in range(FAILURES - 1):
        plugins.call_first("price", exchange=make_exchange())
    assert standing.condition().failing == {}
    plugins.call_first("price", exchange=make_exchange())
    why = f"price failed {FAILURES} times in a row: KeyError: 'a model'"
    assert standing.condition().failing == {"own": why}
    plugins.guard.call("own.price", lambda: None)
    assert standing.condition().failing == {}


def test_packs_that_are_refused_are_among_what_is_wrong_and_looked_for_now_and_then(
    standing: Standing, plugin: Loading, time: Time
) -> None:
    plugin.refused = [{"pack": "own.rules.yaml", "problem": "not YAML"}]
    standing.started = False
    assert (standing.condition().refused, plugin.asked) == ({}, 0)
    standing.started = True
    for _ in range(9):
        assert standing.condition().refused == {"own.rules.yaml": "not YAML"}
    assert plugin.asked == 1
    plugin.refused = []
    time.passed_s = 60.0
    assert standing.condition().refused == {}


def test_the_end_of_the_ca_s_certificate_is_looked_up_once_a_minute_and_comes_nearer(
    standing: Standing, time: Time
) -> None:
    certificate = standing.settings.home.ca_file
    assert standing.condition().ca is None
    certificate.write_bytes(ca_until(time.now() + timedelta(days=3)))
    assert standing.condition().ca is None
    time.passed_s = 60.0
    first = standing.condition().ca
    certificate.unlink()
    time.passed_s = 100.0
    second = standing.condition().ca
    assert first is not None
    assert second is not None
    assert (first.left_s, second.left_s) == (3 * 86400.0 - 60.0, 3 * 86400.0 - 100.0)
    assert first.at == second.at == datetime(2026, 11, 29, tzinfo=UTC)


def test_the_next_ca_and_its_moment_are_looked_up_too(standing: Standing, time: Time) -> None:
    home = standing.settings.home
    ends, at = time.now() + timedelta(days=40), time.now() + timedelta(days=2)
    home.ca_file.write_bytes(ca_until(time.now() + timedelta(days=3)))
    home.next_ca_file.write_bytes(with_moment(ca_until(ends), at))
    condition = standing.condition()
    assert condition.next_ca is not None
    assert (condition.next_ca.at, condition.next_ca_from) == (ends, at)


def test_what_the_supervisor_says_is_in_health_metrics_and_condition(standing: Standing, time: Time) -> None:
    home, console = standing.settings.home, standing.settings.config.console
    assert standing.condition().degraded == []
    states = {"w0": State.SERVING, "w1": State.DEGRADED, "w2": State.LEAVING}
    restarts, replaced = {"worker": 5, "control": 1}, {"memory": 2}
    write_crew(home, Crew(console=console, workers=states, restarts=restarts, replaced=replaced))
    lock = hold(home)
    time.passed_s += 1.0
    assert standing.condition().degraded == ["w1"]
    parts = standing.health().parts
    assert (parts["workers_degraded"], parts["workers_leaving"]) == (["w1"], ["w2"])
    values = {(item.name, item.labels): item.values[0] for item in standing.samples()}
    assert values["midwatch_restarts_total", ("worker",)] == 5
    assert values["midwatch_workers_replaced_total", ("memory",)] == 2
    assert values["midwatch_workers_degraded", ()] == 1
    assert values["midwatch_workers_leaving", ()] == 1
    os.close(lock)  # it was killed, say, and its file is still there
    time.passed_s += 1.0
    assert standing.condition().degraded == []
    assert standing.health().parts["workers_leaving"] == []
