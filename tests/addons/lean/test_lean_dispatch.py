"""Hook dispatch by table calls what stock calls, in stock's order, with stock's failures."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import pytest
from mitmproxy import exceptions, hooks
from mitmproxy.addonmanager import AddonManager
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy.layers.http._hooks import HttpRequestHook
from mitmproxy.test import tflow

from midwatch.lean.dispatch import HOOK_DISPATCH, args_of, invalidate
from midwatch.lean.patch import PatchSet


@pytest.fixture(params=["stock", "lean"])
def dispatch(request: pytest.FixtureRequest) -> Iterator[str]:
    patches = PatchSet([HOOK_DISPATCH] if request.param == "lean" else [])
    patches.apply()
    yield request.param
    patches.revert()


class Addon:
    def __init__(self, name: str, seen: list[str], *addons: Any, does: Any = None) -> None:
        self.name = name
        self._seen = seen
        self._does = does
        if addons:
            self.addons = list(addons)

    def request(self, flow: Any) -> Any:
        self._seen.append(self.name)
        return self._does() if self._does else None


def _raise(error: Exception) -> Any:
    def does() -> None:
        raise error

    return does


async def _trigger(*addons: Any) -> AddonManager:
    master = Master(Options())
    master._legacy_log_events.uninstall()
    master.addons.add(*addons)
    await master.addons.handle_lifecycle(HttpRequestHook(tflow.tflow()))
    return master.addons


async def test_order_is_parents_first(dispatch: str) -> None:
    seen: list[str] = []
    await _trigger(Addon("a", seen, Addon("b", seen, Addon("c", seen)), Addon("d", seen)), Addon("e", seen))
    assert seen == ["a", "b", "c", "d", "e"]


async def test_one_that_raises_takes_only_its_own_children_along(
    dispatch: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []
    failing = Addon("a", seen, Addon("b", seen), does=_raise(ValueError("broken")))
    await _trigger(
        failing, Addon("c", seen, Addon("d", seen, does=_raise(KeyError("k"))), Addon("x", seen)), Addon("e", seen)
    )
    assert seen == ["a", "c", "d", "e"]
    assert [record.getMessage() for record in caplog.records] == ["Addon error: broken", "Addon error: 'k'"]


async def test_halt_stops_everything(dispatch: str) -> None:
    seen: list[str] = []
    await _trigger(Addon("a", seen), Addon("b", seen, does=_raise(exceptions.AddonHalt())), Addon("c", seen))
    assert seen == ["a", "b"]


async def test_options_errors_pass(dispatch: str) -> None:
    with pytest.raises(exceptions.OptionsError):
        await _trigger(Addon("a", [], does=_raise(exceptions.OptionsError())))


async def test_awaitables_are_awaited_in_their_place(dispatch: str, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    async def waits() -> None:
        seen.append("awaited")

    async def fails() -> None:
        raise ValueError("later")

    async def halts() -> None:
        raise exceptions.AddonHalt

    await _trigger(
        Addon("a", seen, Addon("b", seen), does=waits),
        Addon("c", seen, Addon("x", seen), does=fails),
        Addon("d", seen),
        Addon("e", seen, does=halts),
        Addon("y", seen),
    )
    assert seen == ["a", "awaited", "b", "c", "d", "e"]
    assert [record.getMessage() for record in caplog.records] == ["Addon error: later"]


async def test_addons_that_come_and_go_are_noticed(dispatch: str) -> None:
    seen: list[str] = []
    nested, parent, other = Addon("n", seen), Addon("p", seen, Addon("m", seen)), Addon("o", seen)
    manager = await _trigger(parent)
    event = HttpRequestHook(tflow.tflow())
    manager.add(other)
    parent.addons.append(nested)
    await manager.trigger_event(event)
    manager.remove(other)
    parent.addons.clear()
    await manager.trigger_event(event)
    manager.clear()
    await manager.trigger_event(event)
    assert seen == ["p", "m", "p", "m", "n", "o", "p"]


async def test_an_addon_added_during_an_event_still_gets_it(dispatch: str) -> None:
    seen: list[str] = []
    master = Master(Options())
    master._legacy_log_events.uninstall()
    master.addons.add(Addon("a", seen, does=lambda: master.addons.add(Addon("b", seen)) and None))
    await master.addons.handle_lifecycle(HttpRequestHook(tflow.tflow()))
    assert seen == ["a", "b"]


async def test_what_is_no_function_is_refused_or_passed_over(dispatch: str, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    number, module = types.SimpleNamespace(name="n", request=7), types.SimpleNamespace(name="m", request=types)
    await _trigger(number, module, Addon("a", seen))
    assert seen == ["a"]
    assert [record.getMessage().endswith("not callable") for record in caplog.records] == [True]


async def test_update_follows_each_flow_hook(dispatch: str) -> None:
    seen: list[Any] = []
    watcher = types.SimpleNamespace(name="w", update=seen.append)
    await _trigger(watcher)
    assert len(seen) == 1
    assert len(seen[0]) == 1


async def test_a_hook_set_later_needs_invalidate() -> None:
    patches = PatchSet([HOOK_DISPATCH])
    patches.apply()
    try:
        seen: list[Any] = []
        late = types.SimpleNamespace(name="late")
        manager = await _trigger(late)
        late.request = seen.append
        invalidate(manager)
        await manager.trigger_event(HttpRequestHook(tflow.tflow()))
        assert len(seen) == 1
    finally:
        patches.revert()


def test_arguments_are_those_of_stock() -> None:
    event = hooks.UpdateHook([tflow.tflow()])
    assert list(args_of(event)) == event.args()
