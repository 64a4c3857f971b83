"""The door: control's Unix socket, where workers report and commands ask."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from midwatch.control.administering import OPERATIONS
from midwatch.control.answering import answer
from midwatch.control.authority_room import OPERATION as AUTHORITY
from midwatch.control.forgetting import OPERATIONS as FORGETTING
from midwatch.control.live import Live
from midwatch.control.policy_desk.room import OPERATIONS as POLICIES
from midwatch.control.reloading import Reloaded
from midwatch.control.report_answers import OPERATIONS as REPORTING
from midwatch.control.tally import Tally
from midwatch.lines import LIMIT_BYTES, Line
from midwatch_core.listing import ExchangeRow
from midwatch_core.queries import Queries

logger = logging.getLogger(__name__)
_SYNC_S = 5.0


type Told = Sequence[Mapping[str, Any]]
type Reply = Callable[[Mapping[str, Any]], Awaitable[None]]


def _heard_by_nobody(*_: object) -> None:
    pass


def _no_stamp() -> int:
    return 0


async def _kept_by_nobody(_: Told) -> None:
    pass


class Door:
    """Serves the socket. One connection may carry any number of questions; `beat` makes it a worker's."""

    def __init__(
        self,
        *,
        queries: Queries,
        live: Live,
        tally: Tally,
        caught_up: Callable[[float], Awaitable[bool]],
        reload: Callable[[bool], Awaitable[Reloaded]],
        status: Callable[[], dict[str, Any]],
        stamp: Callable[[], int] = _no_stamp,
        administer: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None,
        spent: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None,
        forget: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None,
        policies: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None,
        crossed: Callable[[Told], None] = _heard_by_nobody,
        sighted: Callable[[Told, Reply], None] = _heard_by_nobody,
        pinned: Callable[[Told], Awaitable[None]] = _kept_by_nobody,
        unpin: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None,
        authority: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None,
        reports: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None,
    ) -> None:
        self._queries = queries
        self._live = live
        self._tally = tally
        self._caught_up = caught_up
        self._reload = reload
        self._status = status
        self._stamp = stamp
        self._administer = administer
        self._forget = forget
        self._policies = policies
        self._crossed = crossed
        self._sighted = sighted
        self._pinned = pinned
        given = {"spent": spent, "unpin": unpin, AUTHORITY: authority}
        self._answers = {op: reply for op, reply in given.items() if reply is not None}
        self._reports = reports
        self._workers: set[Line] = set()
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, path: Path) -> None:
        """Listen; a socket file left by a dead control is replaced. The caller holds the home's lock."""
        path.unlink(missing_ok=True)  # noqa: ASYNC240  # once, at start
        self._server = await asyncio.start_unix_server(self._serve, path, limit=LIMIT_BYTES)
        path.chmod(0o600)  # noqa: ASYNC240  # as above

    async def close(self) -> None:
        """Stop listening and hang up on all."""
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def tell_workers(self, message: dict[str, Any]) -> None:
        """Send to every worker; one that is gone is passed over."""
        for line in list(self._workers):
            try:
                await line.send(message)
            except OSError:
                self._workers.discard(line)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        line = Line(reader, writer)
        try:
            while (message := await line.receive()) is not None:
                await self._handle(line, message)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            logger.debug("a connection to control ended: %r", error)
        except asyncio.CancelledError:
            pass  # control is closing: the connection's task ends with it
        finally:
            self._open.discard(task)
            self._workers.discard(line)
            await line.close()

    async def _handle(self, line: Line, message: dict[str, Any]) -> None:
        match message.get("op"):
            case "beat":
                self._tally.take(message)
                await self._meet(line, message)
                self._crossed(message.get("crossings") or ())
                self._sighted(message.get("sightings") or (), line.send)
                await self._pinned(message.get("pins") or ())
            case "tail":
                await self._tail(line)
            case "sync":
                await line.send({"caught_up": await self._caught_up(_SYNC_S)})
            case "reload":
                done = await self._reload(bool(message.get("restart")))
                await line.send({"reloaded": not done.problems, "problems": list(done.problems), "stamp": done.stamp})
            case "status":
                await line.send(self._status())
            case str(op) if op in self._answers:
                await line.send(await self._answers[op](message))
            case str(op) if self._administer is not None and op in OPERATIONS:
                await line.send(await self._administer(message))
            case str(op) if self._forget is not None and op in FORGETTING:
                await line.send(await self._forget(message))
            case str(op) if self._reports is not None and op in REPORTING:
                await line.send(await self._reports(message))
            case str(op) if self._policies is not None and op in POLICIES:
                await line.send(await self._policies(message))
            case _:
                await line.send(await answer(self._queries, message))

    async def _meet(self, line: Line, message: dict[str, Any]) -> None:
        """A worker's line that we tell from now on: what changed before that, it has to read by itself.

        Settings only where those of this `stamp` are later than its own, for they are much to read.
        """
        if line not in self._workers and not message.get("last"):
            self._workers.add(line)
            await line.send({"op": "met", "stamp": self._stamp()})

    async def _tail(self, line: Line) -> None:
        """Send rows until the listener hangs up (or says anything), also while there are none to send."""
        async with self._live.subscribe() as rows:
            await line.send({"tailing": True})
            tasks = [asyncio.create_task(_send_rows(line, rows)), asyncio.create_task(line.receive())]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def _send_rows(line: Line, rows: AsyncIterator[ExchangeRow]) -> None:
    async for row in rows:
        await line.send({"row": row.as_json()})
