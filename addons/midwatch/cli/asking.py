"""Where commands get their answers: from control where one lives, else straight from the store."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch_core.errors import MidwatchError


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
        """Rows of an `exchanges` question, page by page, at most `limit`."""
        cursor: str | None = None
        while limit > 0:
            answer = self.ask({**question, "limit": min(limit, 500), "cursor": cursor})
            yield from answer["rows"]
            limit -= len(answer["rows"])
            cursor = answer["cursor"]
            if cursor is None:
                return

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            if question.get("cursor") is None:
                # What was said before this command began is to be in its answer.
                synced = await self._client.ask({"op": "sync"})
                if not synced.get("caught_up"):
                    print("midwatch: the store is behind: the newest calls are still in the journal", file=sys.stderr)
            answer = await self._client.ask(question)
        except ControlAbsentError:
            answer = await self._ask_store(question)
        assert isinstance(answer, dict)
        return answer

    async def _ask_store(self, question: dict[str, Any]) -> dict[str, Any]:
        from midwatch.control.answering import answer
        from midwatch.settings import resolve
        from midwatch_core.queries import Queries
        from midwatch_core.storage import open_storage, storage_urls

        settings = resolve(self._home, config_file=self._config_file, flags={})
        if settings.config.storage == "lite" and not (self._home.root / "midwatch.db").exists():
            return {"rows": [], "cursor": None, "exchange": None, "row": None}
        storage = open_storage(settings.plugins, storage_urls(settings.config, self._home.root))
        await storage.traces.start()
        try:
            return await answer(Queries(traces=storage.traces), question)
        finally:
            await storage.traces.close()
