"""Search in texts: they are kept compressed, so it is a walk over exchanges, newest first, a bounded step at a time."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

from midwatch_core import ExchangeFilter, Scope, encode_cursor, moment_of, text_finder
from midwatch_sql.compression import unpack_detail
from midwatch_sql.conditions import marks
from midwatch_sql.document import entry_levels
from midwatch_sql.finding import Key, newest_keys
from midwatch_sql.folding import unfold
from midwatch_sql.reading import Read, bodies, reader, remembering

# What one step looks at before it says how far it came. A text that many exchanges share is looked at once.
STEP_EXCHANGES = 1_000
STEP_BYTES = 16 * 1024 * 1024
# Details read together.
_TOGETHER = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The exchanges of a step that have the text, newest first. `cursor` goes on after the last one looked at."""

    keys: tuple[Key, ...]
    cursor: str | None


def search(
    connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None
) -> Found:
    """One step: at most `limit` exchanges that have `wanted.text`. Raises StorageError, sqlite3.Error."""
    texts = _Texts(connection, text_finder(wanted.text or ""))
    candidates = newest_keys(connection, scope, wanted, limit=STEP_EXCHANGES, cursor=cursor)
    found: list[Key] = []
    for key, tenant, detail in _details(connection, candidates):
        if texts.hold(tenant, detail):
            found.append(key)
        if len(found) == limit or texts.bytes_seen >= STEP_BYTES:
            return Found(keys=tuple(found), cursor=_after(key))
    return Found(keys=tuple(found), cursor=_after(candidates[-1]) if len(candidates) == STEP_EXCHANGES else None)


def _after(key: Key) -> str:
    return encode_cursor(moment_of(key[0]), key[1])


def _details(connection: sqlite3.Connection, keys: Sequence[Key]) -> Iterator[tuple[Key, str, bytes]]:
    for some in batched(keys, _TOGETHER):
        query = f"SELECT id, tenant, detail FROM exchanges WHERE id IN ({marks(len(some))})"  # noqa: S608  # marks only
        rows = {key: rest for key, *rest in connection.execute(query, [key for _, key in some])}
        for key in some:
            tenant, detail = rows[key[1]]
            yield key, tenant, unpack_detail(detail)


class _Texts:
    """Texts looked at, each once; `bytes_seen` counts what that came to."""

    def __init__(self, connection: sqlite3.Connection, finds: Callable[[bytes], bool]) -> None:
        self._connection = connection
        self._finds = finds
        self._blocks: dict[str, Read] = {}
        self._seen: dict[tuple[str, str], bool] = {}
        self.bytes_seen = 0

    def hold(self, tenant: str, detail: bytes) -> bool:
        """Whether a text of this exchange has what is looked for. Raises KeyError for a missing piece."""
        if tenant not in self._blocks:
            self._blocks[tenant] = remembering(reader(self._connection, tenant))
        entries = (entry for levels in entry_levels(detail) for entry in unfold(levels, self._blocks[tenant]))
        keys = {entry[3] for entry in entries}
        self._look_at(tenant, [key for key in keys if (tenant, key) not in self._seen])
        return any(self._seen[tenant, key] for key in keys)

    def _look_at(self, tenant: str, keys: Sequence[str]) -> None:
        for key, text in bodies(self._connection, tenant, keys):
            self._seen[tenant, key] = self._finds(text)
            self.bytes_seen += len(text)
