"""Where commands get their answers: from control where one lives, else straight from the store."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch_core.errors import MidwatchError

type Ask = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class AskError(MidwatchError):
    """A question could not be answered; the message says why."""


class Asker:
    """Asks questions of one home (see `control.answering`)."""

    def __init__(self, home: Home, config_file: Path | None) -> None:
        self._home = home
        self._config_file = config_file
        self._client = LineClient(home.control_socket)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """One question. Raises AskError."""
        answer = asyncio.run(self._ask(question))
        if error := answer.get("error"):
            raise AskError(str(error))
        return answer

    def pages(self, question: dict[str, Any], *, limit: int) -> Iterator[dict[str, Any]]:
        """Rows of an `exchanges` or `findings` question, page by page, at most `limit`."""
        cursor: str | None = None
        while limit > 0:
            answer = self.ask({**question, "limit": min(limit, 500), "cursor": cursor})
            yield from answer["rows"]
            limit -= len(answer["rows"])
            cursor = answer["cursor"]
            if cursor is None:
                return

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Ask]:
        """A way to ask many questions in a row; the store, where it is asked, is opened once. Raises AskError."""
        try:
            await self._sync()
        except ControlAbsentError:
            async with self._store() as answers:
                yield _checked(answers)
        else:
            yield _checked(self._client.ask)

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            if question.get("cursor") is None:
                await self._sync()
            answer = await self._client.ask(question)
        except ControlAbsentError:
            async with self._store() as answers:
                answer = await answers(question)
        assert isinstance(answer, dict)
        return answer

    async def _sync(self) -> None:
        """What was said before this command began is to be in its answer."""
        synced = await self._client.ask({"op": "sync"})
        if not synced.get("caught_up"):
            print("midwatch: the store is behind: the newest calls are still in the journal", file=sys.stderr)

    @asynccontextmanager
    async def _store(self) -> AsyncIterator[Ask]:
        from midwatch.control.answering import answer
        from midwatch.settings import resolve
        from midwatch.stores import stores_of
        from midwatch_core.queries import Queries

        settings = resolve(self._home, config_file=self._config_file, flags={})
        where = settings.config.storage
        if where.profile == "lite" and where.traces is None and not (self._home.root / "midwatch.db").exists():
            yield _nothing
            return
        storage = stores_of(settings)
        await storage.traces.start(migrate=storage.migrates)
        try:
            yield partial(answer, Queries(traces=storage.traces))
        finally:
            await storage.traces.close()


async def _nothing(_: dict[str, Any]) -> dict[str, Any]:
    return {"rows": [], "cursor": None, "exchange": None, "row": None}


def _checked(answers: Ask) -> Ask:
    async def ask(question: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = await answers(question)
        except ControlAbsentError as error:
            raise AskError(f"{error}; ask again") from error
        if problem := answer.get("error"):
            raise AskError(str(problem))
        return answer

    return ask
