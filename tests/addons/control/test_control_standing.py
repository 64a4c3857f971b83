"""How an installation stands: ready when it works and when its plugins are, and told by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from midwatch.control.numbers import declared
from midwatch.control.standing import Standing
from midwatch.control.tally import Tally
from midwatch_core import hookimpl
from midwatch_core.contributions import PluginHealth
from midwatch_core.hosting import Plugins
from midwatch_core.pipeline import Pipeline
from midwatch_journal import JournalReader
from midwatch_memory.traces import MemoryTraces
from tests.plugins.web.installed import settings_in


class Loading:
    """A plugin that is ready when a test says so."""

    def __init__(self) -> None:
        self.ready = False
        self.asked = 0

    @hookimpl
    def health(self) -> PluginHealth:
        self.asked += 1
        return PluginHealth(ready=self.ready, facts={"models": {"own": {"state": "loading"}}})


@pytest.fixture
def plugin() -> Loading:
    return Loading()


@pytest.fixture
def standing(tmp_path: Path, plugin: Loading) -> Standing:
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
