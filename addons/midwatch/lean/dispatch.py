"""Patch `hook-dispatch`: who implements which hook is looked up once, not in every addon at every event.

Stock walks all addons (a generator, a `getattr` and a context manager each) for each hook, twice: once for the
event, once for `update`. Order, safecall semantics, nested addons and the late visit of addons that are added
while an event runs stay as they are in `mitmproxy.addonmanager`.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from mitmproxy import exceptions, flow, hooks
from mitmproxy.addonmanager import AddonManager, safecall, traverse
from mitmproxy.proxy import commands

from midwatch.lean.patch import Guard, Patch, Replacement

type HookFunction = Callable[..., Any]
type Group = tuple[HookFunction, ...]

_STOCK_TRIGGER_EVENT = AddonManager.trigger_event


class HookTable:
    """The hook functions of one chain of addons, by hook name, grouped by the chain's members.

    A group is what stock guards together: after an exception the rest of the group is left out.
    """

    __slots__ = ("_chain", "_groups", "_length", "_nested")

    def __init__(self, chain: list[Any]) -> None:
        self._chain = chain
        self._length = len(chain)
        # Parents manage `addons` on their own, without telling the manager: their lists are compared each time.
        self._nested = [(a, list(a.addons)) for a in traverse(chain) if hasattr(a, "addons")]
        self._groups: dict[str, tuple[Group, ...]] = {}

    def is_current(self, chain: list[Any]) -> bool:
        """Whether the chain still has the addons this table was made from."""
        if chain is not self._chain or len(chain) != self._length:
            return False
        return not self._nested or all(list(addon.addons) == seen for addon, seen in self._nested)

    def groups(self, name: str) -> tuple[Group, ...]:
        """The groups that implement hook `name`, in stock's order."""
        found = self._groups.get(name)
        if found is None:
            each = (tuple(_functions(addon, name)) for addon in self._chain[: self._length])
            found = self._groups[name] = tuple(group for group in each if group)
        return found

    def added(self) -> list[Any]:
        """Addons appended to the chain since: stock's loop over the live list still reaches them."""
        return self._chain[self._length :]


def _functions(addon: Any, name: str) -> Iterator[HookFunction]:
    for member in traverse([addon]):
        function = getattr(member, name, None)
        if not function or isinstance(function, types.ModuleType):
            continue
        yield function if callable(function) else functools.partial(_refuse, name, member)


def _refuse(name: str, addon: Any, *_: Any) -> None:
    raise exceptions.AddonManagerError(f"Addon handler {name} ({addon}) not callable")


def table_of(manager: AddonManager) -> HookTable:
    """The manager's current table; a new one when addons came or went."""
    table: HookTable | None = manager.__dict__.get("_lean_table")
    if table is None or not table.is_current(manager.chain):
        table = manager.__dict__["_lean_table"] = HookTable(manager.chain)
    return table


def invalidate(manager: AddonManager) -> None:
    """Forget the table: needed only after a hook was set on, or taken off, an addon that is already in use."""
    manager.__dict__.pop("_lean_table", None)


class HookRun:
    """One event on its way through the addons; it can pause at an awaitable and go on in a task."""

    __slots__ = ("_args", "_awaitable", "_event", "_group", "_groups", "_halted", "_table")

    def __init__(self, table: HookTable, event: hooks.Hook) -> None:
        self._table = table
        self._event = event
        self._args = args_of(event)
        self._groups = iter(table.groups(event.name))
        self._group: Iterator[HookFunction] = iter(())
        self._awaitable: Awaitable[Any] | None = None
        self._halted = False

    def start(self) -> bool:
        """Call functions until one returns an awaitable; True when all are done, else `finish` has the rest."""
        try:
            self._awaitable = self._advance()
        except exceptions.AddonHalt:
            self._halted = True
        return self._awaitable is None and (self._halted or not self._table.added())

    @property
    def first_arg(self) -> Any:
        """The event's first argument: the flow, for a flow event."""
        return self._args[0]

    async def finish(self, manager: AddonManager) -> None:
        """Await what `start` stopped at, and call what comes after it."""
        try:
            while self._awaitable is not None:
                awaitable, self._awaitable = self._awaitable, None
                rest, self._group = self._group, iter(())
                with safecall():
                    await awaitable
                    self._group = rest  # only after a success: stock leaves out the rest of a group that raised
                self._awaitable = self._advance()
            if not self._halted:
                await self._visit_added(manager)
        except exceptions.AddonHalt:
            self._halted = True

    def _advance(self) -> Awaitable[Any] | None:
        while True:
            with safecall():
                while True:
                    for function in self._group:
                        result = function(*self._args)
                        if result is not None and inspect.isawaitable(result):
                            return result
                    group = next(self._groups, None)
                    if group is None:
                        return None
                    self._group = iter(group)
            self._group = iter(())  # one raised: safecall has logged it, the rest of its group is left out

    async def _visit_added(self, manager: AddonManager) -> None:
        for addon in self._table.added():
            with safecall():
                await manager.invoke_addon(addon, self._event)


_field_names: dict[type[hooks.Hook], tuple[str, ...]] = {}


def args_of(event: hooks.Hook) -> tuple[Any, ...]:
    """What `event.args()` gives, without asking dataclasses for the fields each time."""
    kind = type(event)
    names = _field_names.get(kind)
    if names is None:
        names = _field_names[kind] = tuple(field.name for field in dataclasses.fields(kind))  # type: ignore[arg-type]
    return tuple([getattr(event, name) for name in names])


async def trigger_event(self: AddonManager, event: hooks.Hook) -> None:
    """Stand in for `AddonManager.trigger_event`: flow events by table, rare ones (load, running, …) as in stock."""
    if not isinstance(event, commands.StartHook | hooks.UpdateHook):
        await _STOCK_TRIGGER_EVENT(self, event)
        return
    table = table_of(self)
    if not table.groups(event.name):
        return
    run = HookRun(table, event)
    if not run.start():
        await run.finish(self)


async def handle_lifecycle(self: AddonManager, event: hooks.Hook) -> None:
    """Stand in for `AddonManager.handle_lifecycle`: `update` is only made where someone listens for it."""
    await self.trigger_event(event)
    message = args_of(event)[0]
    if isinstance(message, flow.Flow) and table_of(self).groups("update"):
        await self.trigger_event(hooks.UpdateHook([message]))


HOOK_DISPATCH = Patch(
    name="hook-dispatch",
    changes="AddonManager finds the addons that implement a hook once, instead of at every event",
    replacements=(
        Replacement(owner=AddonManager, name="trigger_event", new=trigger_event),
        Replacement(owner=AddonManager, name="handle_lifecycle", new=handle_lifecycle),
    ),
    guards=(
        Guard(owner=AddonManager, name="trigger_event", digest="b763c59bc4992e33"),
        Guard(owner=AddonManager, name="handle_lifecycle", digest="38c97e792d1db5b7"),
        Guard(owner=AddonManager, name="invoke_addon", digest="13180532440359de"),
        Guard(owner=AddonManager, name="_iter_hooks", digest="350b419ab7284091"),
        Guard(owner=hooks.Hook, name="args", digest="5bab95f7aa358e18"),
    ),
)
