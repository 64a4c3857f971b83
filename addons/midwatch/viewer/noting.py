"""Notes on flows as their calls pass: at each call's end what a worker knows, a moment later what control found."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from mitmproxy import ctx, http
from mitmproxy.hooks import UpdateHook

from midwatch.lines import ControlAbsentError, LineClient
from midwatch.viewer.notes import begin_note, note_row
from midwatch_core.call import Call
from midwatch_core.guarded import Guard
from midwatch_core.listing import row_of
from midwatch_core.model.exchange import Exchange

# Without control there are no costs; it is looked for again this often.
_RETRY_S = 1.0


class Noting:
    """One idea: whose call it was is remembered for as long as mitmproxy keeps the flow, and no longer.

    It is told of calls by `settling` (see `Listener` there), and by control of what was stored, with costs and with
    what was found where policy did not ask for it on the way.
    """

    def __init__(self, client: LineClient, guard: Guard) -> None:
        self._client = client
        self._guard = guard
        self._flows: WeakValueDictionary[str, http.HTTPFlow] = WeakValueDictionary()
        self._task: asyncio.Task[None] | None = None

    def begun(self, flow: http.HTTPFlow, call: Call) -> None:
        """A call begins on a flow."""
        self._guard.call("viewer.note", self._begin, flow, call.id)

    def settled(self, exchange: Exchange) -> None:
        """A call has ended."""
        self._guard.call("viewer.note", self._note, row_of(exchange).as_json())

    def start(self) -> None:
        """Follow control, in the running loop."""
        self._task = asyncio.create_task(self._follow(), name="midwatch-notes")

    async def stop(self) -> None:
        """Follow no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(ControlAbsentError, OSError, ValueError):  # control is being restarted
                await self._tail()
            await asyncio.sleep(_RETRY_S)

    async def _tail(self) -> None:
        async with self._client.open() as line:
            await line.send({"op": "tail"})
            while (message := await line.receive()) is not None:
                if "row" in message:
                    self._guard.call("viewer.note", self._learn, message["row"])

    def _begin(self, flow: http.HTTPFlow, call_id: str) -> None:
        begin_note(flow)
        self._flows[call_id] = flow

    def _note(self, row: Mapping[str, Any]) -> http.HTTPFlow | None:
        flow = self._flows.get(row["id"])
        gone = note_row(flow, row) if flow is not None else None
        if gone is not None:
            self._flows.pop(gone, None)
        return flow

    def _learn(self, row: Mapping[str, Any]) -> None:
        """What control says comes between mitmproxy's hooks: its windows are told."""
        flow = self._note(row)
        if flow is not None:
            ctx.master.addons.trigger(UpdateHook([flow]))
