"""Plugins' own word about their health: waited for when it is good, shown and counted when it is none."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from midwatch.plugin_health import PluginsHealth, health_of, refused_packs
from midwatch_core import hookimpl
from midwatch_core.contributions import PluginHealth
from midwatch_core.hosting import Plugins
from midwatch_core.model.content import Json


class Says:
    """A plugin that says what a test wants."""

    def __init__(self, say: Callable[[], Any]) -> None:
        self._say = say

    @hookimpl
    def health(self) -> Any:
        return self._say()


def plugins_of(**said: Callable[[], Any]) -> Plugins:
    plugins = Plugins()
    for name, say in said.items():
        plugins.add(name, lambda say=say: Says(say))  # type: ignore[misc]
    plugins.activate({})
    return plugins


def test_the_house_waits_for_every_plugin() -> None:
    loading = [True]
    plugins = plugins_of(
        first=lambda: PluginHealth(ready=True, facts=MappingProxyType({"model": "a"})),
        second=lambda: PluginHealth(ready=not loading[0]),
        third=lambda: None,
    )
    told = health_of(plugins)
    assert (told.ready, told.facts) == (False, {"first": {"model": "a", "ready": True}, "second": {"ready": False}})
    loading.clear()
    loading.append(False)
    assert health_of(plugins).ready


def fails() -> PluginHealth:
    raise OSError("/home/somebody/weights")


async def late() -> PluginHealth:
    return PluginHealth(ready=False)


class Hostile(Mapping[str, Any]):
    """Facts that nobody can look at."""

    def __getitem__(self, key: str) -> Any:
        raise LookupError(key)

    def __iter__(self) -> Any:
        raise LookupError("no")

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    "say",
    [
        fails,
        late,
        lambda: "fine",
        lambda: PluginHealth(ready=None),  # type: ignore[arg-type]
        lambda: PluginHealth(ready=False, facts={"thing": object()}),  # type: ignore[dict-item]
        lambda: PluginHealth(ready=False, facts={"text": "\ud800"}),
        lambda: PluginHealth(ready=False, facts={"text": "a" * 70_000}),
        lambda: PluginHealth(ready=False, facts=Hostile()),
        lambda: PluginHealth(ready=False, facts=None),  # type: ignore[arg-type]
    ],
    ids=["raises", "coroutine", "text", "no answer", "no JSON", "half a character", "too much", "hostile", "nothing"],
)
def test_what_is_no_answer_keeps_nobody_waiting_and_is_shown(say: Callable[[], Any]) -> None:
    plugins = plugins_of(odd=say)
    told = health_of(plugins)
    assert (told.ready, told.facts["odd"]["ready"]) == (True, True)
    assert "plugins list" in str(told.facts["odd"]["problem"])
    assert "somebody" not in str(told.facts)
    record = plugins.guard.records["odd.health"]
    assert (record.failures, record.in_a_row) == (1, 1)


def test_facts_are_plain_json_and_their_own_word_for_ready_is_not_taken() -> None:
    plugins = plugins_of(a=lambda: PluginHealth(ready=False, facts={"ready": True, "drift": math.nan, "of": [1, 2]}))
    assert health_of(plugins).facts == {"a": {"ready": False, "drift": None, "of": [1, 2]}}


def test_without_a_plugin_that_speaks_there_is_nothing_to_wait_for() -> None:
    assert (health_of(Plugins()).ready, health_of(Plugins()).facts) == (True, {})


def test_packs_that_plugins_can_not_use_are_told_by_name() -> None:
    told = health_of(
        plugins_of(
            first=lambda: PluginHealth(ready=True, facts={"refused": [{"pack": "own", "problem": "not YAML"}]}),
            second=lambda: PluginHealth(ready=True, facts={"refused": [{"pack": "more", "problem": "an id is taken"}]}),
            third=lambda: PluginHealth(ready=True),
        )
    )
    assert refused_packs(told) == {"own": "not YAML", "more": "an id is taken"}


def test_what_is_no_list_of_packs_is_passed_over_and_a_long_one_is_cut() -> None:
    odd: dict[str, dict[str, Json]] = {
        "one": {"refused": "all"},
        "two": {"refused": [1, None, {"pack": "a\nb"}, {"problem": "x" * 9000}]},
    }
    assert refused_packs(PluginsHealth(facts=odd)) == {"ab": "", "without a name": "x" * 500}
    many: list[Json] = [{"pack": f"p{number}" * 100, "problem": ""} for number in range(1000)]
    told = refused_packs(PluginsHealth(facts={"one": {"refused": many}}))
    assert (len(told), max(map(len, told))) == (50, 100)
