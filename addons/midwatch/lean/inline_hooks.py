"""Patch `inline-hooks`: a hook that no addon has to wait for runs where it arises, not in a task of its own.

Stock makes an asyncio task for each hook (four and more an exchange); the task runs the addons at once (tasks are
eager), then waits for the connection's lock, which costs a turn of the loop and a switch of context. Here the
addons run at the same moment under the same lock, and the layer is told as soon as it has handed over its current
commands. A hook that really waits, or an intercepted flow, gets its task as in stock.
"""

from __future__ import annotations

import collections
from collections.abc import Coroutine, Iterator
from typing import Any

from mitmproxy import flow, hooks
from mitmproxy.addonmanager import AddonManager
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import Layer
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.server import ConnectionHandler
from mitmproxy.utils import asyncio_utils

from midwatch.lean.dispatch import HookRun, args_of, table_of
from midwatch.lean.patch import Guard, Patch, Replacement

_KEY = "_midwatch_top"


class InlineHooks:
    """Stands between a connection and its top layer: passes every command on but hooks, which it runs itself."""

    def __init__(self, handler: ProxyConnectionHandler, layer: Layer) -> None:
        self.handler = handler
        self._layer = layer
        self._ran: dict[commands.StartHook, bool] = {}
        # All layers of a connection share its client: the way for one of them to find this object.
        handler.client.__dict__[_KEY] = self

    @property
    def context(self) -> Context:
        """The layer's context: the one thing others ask of a handler's top layer."""
        return self._layer.context

    def handle_event(self, event: events.Event) -> Iterator[commands.Command]:
        """The layer's commands for `event`, and for the end of each hook that ran here."""
        pending = collections.deque([event])
        try:
            while pending:
                for command in self._layer.handle_event(pending.popleft()):
                    if not isinstance(command, commands.StartHook):
                        yield command
                        continue
                    done = self._ran.pop(command, None)
                    if done is None:
                        done = self._run(command)
                    if done and command.blocking:
                        pending.append(events.HookCompleted(command))
        finally:
            # Only after a crash in a layer is anything left: as in stock, the hooks' ends still arrive.
            for left in pending:
                self._task(self.handler.server_event(left), "report a hook's end")

    def run_early(self, hook: commands.StartHook) -> bool:
        """Run a hook before its command arrives here; True when all is done. `forget` says it will not arrive."""
        done = self._ran[hook] = self._run(hook)
        return done

    def forget(self, hook: commands.StartHook) -> None:
        """The layer went on by itself: the hook's command will never come by."""
        del self._ran[hook]

    def _run(self, hook: commands.StartHook) -> bool:
        """Run the addons of `hook`; True when all are done and nothing holds the flow."""
        addons = self.handler.master.addons
        table = table_of(addons)
        run = HookRun(table, hook)
        done = run.start()
        data = run.first_arg
        is_flow = isinstance(data, flow.Flow)
        if done and not (is_flow and (data.intercepted or table.groups("update"))):
            return True
        rest = _Rest(self.handler, hook, run, done=done)
        self._task(rest.go(addons), f"handle_hook({hook.name})")
        return rest.let_go()

    def _task(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        client = self.handler.client.peername
        asyncio_utils.create_task(coroutine, name=name, keep_ref=True, client=client)


def top_of(context: Context) -> InlineHooks | None:
    """The object that runs the hooks of this layer's connection, where the patch is applied."""
    found: InlineHooks | None = context.client.__dict__.get(_KEY)
    return found


class _Rest:
    """What remains of a hook that could not end at once, in its own task, as stock's `handle_hook` has it."""

    def __init__(self, handler: ProxyConnectionHandler, hook: commands.StartHook, run: HookRun, *, done: bool) -> None:
        self._handler = handler
        self._hook = hook
        self._run = run
        self._addons_done = done
        self._finished = False
        self._alone = False

    def let_go(self) -> bool:
        """Called after the task's eager first step: True if that was all, else the task reports the end itself."""
        self._alone = not self._finished
        return self._finished

    async def go(self, addons: AddonManager) -> None:
        """Finish the addons, tell `update`, wait while the flow is intercepted."""
        (data,) = args_of(self._hook)
        with self._handler.timeout_watchdog.disarm():
            if not self._addons_done:
                await self._run.finish(addons)
            if isinstance(data, flow.Flow):
                await addons.trigger_event(hooks.UpdateHook([data]))
                await data.wait_for_resume()
        self._finished = True
        if self._alone and self._hook.blocking:
            await self._handler.server_event(events.HookCompleted(self._hook))


async def _handle_client(self: ProxyConnectionHandler) -> None:
    """Stand in for the inherited `handle_client`: the same, with `InlineHooks` before the top layer."""
    self.layer = InlineHooks(self, self.layer)  # type: ignore[assignment]  # offers what the handler uses of a Layer
    try:
        await ConnectionHandler.handle_client(self)
    finally:
        # The client outlives its connection in flows that are kept; it must not keep the connection's layers.
        self.client.__dict__.pop(_KEY, None)


INLINE_HOOKS = Patch(
    name="inline-hooks",
    changes="a connection's hooks run without an asyncio task of their own unless an addon waits in them",
    replacements=(Replacement(owner=ProxyConnectionHandler, name="handle_client", new=_handle_client),),
    guards=(
        Guard(owner=ConnectionHandler, name="handle_client", digest="01f1b7cc991c4711"),
        Guard(owner=ConnectionHandler, name="server_event", digest="a2b42657ebe8bf6d"),
        Guard(owner=ConnectionHandler, name="hook_task", digest="9ac7970160526268"),
        Guard(owner=ProxyConnectionHandler, name="handle_hook", digest="9f8b52fd798203c9"),
        Guard(owner=AddonManager, name="handle_lifecycle", digest="38c97e792d1db5b7"),
        Guard(owner=AddonManager, name="trigger_event", digest="b763c59bc4992e33"),
    ),
)
