"""Fixtures for authors of plugins: an engine with the plugins of the project under test, and nothing else.

    def test_it_is_found(midwatch_engine):
        assert [finding.rule for finding in midwatch_engine.scan("NIGHTJAR-1").findings] == ["acme/ticket"]

The plugins are those of `[project.entry-points.midwatch]` in the `pyproject.toml` at pytest's root: they need not be
installed. Override `midwatch_settings` to test with other settings than the defaults.
"""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from midwatch_core.engine import Engine
from midwatch_core.hookspecs import PROJECT
from midwatch_core.host import Host, Role
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.testing.packs import Packs

_PACKS = "rules"


@pytest.fixture(scope="session")
def midwatch_plugins(pytestconfig: pytest.Config) -> Mapping[str, str]:
    """The plugins under test: their names, and what loads each (`module`, or `module:Class`)."""
    file = pytestconfig.rootpath / "pyproject.toml"
    project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {}) if file.exists() else {}
    found: Mapping[str, str] = project.get("entry-points", {}).get(PROJECT, {})
    if not found:
        pytest.fail(f"{file} has no [project.entry-points.{PROJECT}]: name your plugins there", pytrace=False)
    return found


@pytest.fixture
def midwatch_settings() -> Mapping[str, Mapping[str, Any]]:
    """The plugins' sections of the settings, as YAML would give them: none, all at their defaults."""
    return {}


@pytest.fixture
def midwatch_host(tmp_path: Path) -> Host:
    """What `startup` gets, but for the resources: a command's surroundings, with an empty home."""
    return Host(role=Role.COMMAND, home=tmp_path / "home", metrics=Metrics())


@pytest.fixture
def midwatch_engine(
    midwatch_plugins: Mapping[str, str], midwatch_settings: Mapping[str, Mapping[str, Any]], midwatch_host: Host
) -> Iterator[Engine]:
    """An engine with the plugins under test alone; rule packs that they bring are matched too.

    A plugin that can't be loaded, is no plugin, or whose startup raises fails the test.
    """
    plugins = _loaded(midwatch_plugins, midwatch_settings)
    midwatch_host.metrics.declare(plugins.gather("metrics"))
    host = Host(
        role=midwatch_host.role,
        home=midwatch_host.home,
        metrics=midwatch_host.metrics,
        resources=tuple(plugins.gather("resources")),
    )
    for outcome in plugins.call_all("startup", host=host):
        if outcome.error is not None:
            raise outcome.error
    yield Engine(plugins)
    plugins.call_all("shutdown", host=host)


def _loaded(targets: Mapping[str, str], settings: Mapping[str, Mapping[str, Any]]) -> Plugins:
    plugins = Plugins()
    for name, target in targets.items():
        plugins.add(name, EntryPoint(name=name, value=target, group=PROJECT).load)
    if _PACKS not in targets:
        plugins.add(_PACKS, lambda: Packs)
    plugins.activate({name: model(**settings.get(name, {})) for name, model in plugins.sections().items()})
    for item in plugins.list():
        if item.error is not None:
            pytest.fail(f"plugin {item.name}: {item.error}", pytrace=False)
    return plugins
