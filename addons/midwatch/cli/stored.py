"""Stored exchanges in full, one at a time: of control where one lives, else of the store, opened once."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from midwatch.cli.asking import Ask, Asker, AskError
from midwatch.home import Home
from midwatch_core.errors import MidwatchError
from midwatch_core.frame import FrameDecoder
from midwatch_core.model.exchange import Exchange

_PAGE = 500
_ID_BYTES = 16


class Stored:
    """Exchanges of one home."""

    def __init__(self, home: Home, config_file: Path | None) -> None:
        self._asker = Asker(home, config_file)
        self._decoder = FrameDecoder()

    async def exchange(self, exchange_id: str) -> Exchange | None:
        """The exchange of this id; None where there is none. Raises AskError."""
        async with self._asker.session() as ask:
            return self._read(await ask({"op": "exchange", "id": exchange_id}))

    @asynccontextmanager
    async def with_findings(
        self, wanted: Mapping[str, Any], *, look_at: int | None = None
    ) -> AsyncIterator[AsyncIterator[Exchange]]:
        """Exchanges that have findings, newest first, among the newest `look_at` that `wanted` asks for.

        A page of rows and one exchange are in memory, never more. Raises AskError.
        """
        async with self._asker.session() as ask:
            yield self._with_findings(ask, wanted, look_at)

    @asynccontextmanager
    async def oldest_first(self, wanted: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """All exchanges that `wanted` asks for: the answers about them, each a `row` and an `exchange` as JSON values.

        In memory are the ids, 16 bytes each, for stores list the newest first; and one exchange. Raises AskError.
        """
        async with self._asker.session() as ask:
            yield self._oldest_first(ask, wanted)

    async def _oldest_first(self, ask: Ask, wanted: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        ids = bytearray()
        async for row in _rows(ask, wanted, None):
            ids += UUID(row["id"]).bytes
        for end in range(len(ids), 0, -_ID_BYTES):
            answer = await ask({"op": "exchange", "id": str(UUID(bytes=bytes(ids[end - _ID_BYTES : end])))})
            if answer["exchange"] is not None:  # it may have been forgotten meanwhile
                yield answer

    def exchange_of(self, document: Mapping[str, Any]) -> Exchange:
        """The exchange of a document that control gave. Raises AskError."""
        try:
            return self._decoder.restore(document)
        except MidwatchError as error:
            raise AskError(f"a stored exchange can't be read: {error}") from error

    async def _with_findings(self, ask: Ask, wanted: Mapping[str, Any], look_at: int | None) -> AsyncIterator[Exchange]:
        async for row in _rows(ask, wanted, look_at):
            if row["findings"] and (exchange := self._read(await ask({"op": "exchange", "id": row["id"]}))):
                yield exchange

    def _read(self, answer: Mapping[str, Any]) -> Exchange | None:
        document = answer["exchange"]
        return None if document is None else self.exchange_of(document)


async def _rows(ask: Ask, wanted: Mapping[str, Any], look_at: int | None) -> AsyncIterator[dict[str, Any]]:
    cursor: str | None = None
    left = look_at
    while left is None or left > 0:
        limit = _PAGE if left is None else min(left, _PAGE)
        answer = await ask({"op": "exchanges", "filter": dict(wanted), "limit": limit, "cursor": cursor})
        for row in answer["rows"]:
            yield row
        left = None if left is None else left - len(answer["rows"])
        cursor = answer["cursor"]
        if cursor is None:
            return
