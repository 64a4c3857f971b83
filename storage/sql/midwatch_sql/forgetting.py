"""Retention: exchanges go, and with them the texts and blocks that nothing refers to any more, in short steps."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping
from itertools import batched

from midwatch_sql.compression import unpack, unpack_detail
from midwatch_sql.conditions import marks
from midwatch_sql.document import detail_children
from midwatch_sql.folding import PieceKind, block_children
from midwatch_sql.putting import CHUNK

# Exchanges a transaction: the pipeline's batches go in between.
STEP = 100
# Free pages given back to the file system after a step.
_PAGES = 2000

_OLDEST = "SELECT id, tenant, detail FROM exchanges WHERE started_at < ? ORDER BY started_at LIMIT ?"


def forget_step(connection: sqlite3.Connection, before_us: int) -> int:
    """Forget at most STEP exchanges started before then; how many went. Within a transaction. Raises sqlite3.Error."""
    gone = connection.execute(_OLDEST, (before_us, STEP)).fetchall()
    uses: dict[str, Counter[str]] = {}
    for _, tenant, detail in gone:
        uses.setdefault(tenant, Counter()).update(detail_children(unpack_detail(detail)))
    connection.executemany("DELETE FROM exchanges WHERE id = ?", [(exchange_id,) for exchange_id, _, _ in gone])
    for tenant, released in uses.items():
        _release(connection, tenant, released)
    return len(gone)


def _release(connection: sqlite3.Connection, tenant: str, released: Mapping[str, int]) -> None:
    """Take uses back; a piece without any goes, and takes back its own."""
    while released:
        connection.executemany(
            "UPDATE pieces SET uses = uses - ? WHERE tenant = ? AND hash = ?",
            [(count, tenant, key) for key, count in released.items()],
        )
        orphans = _orphans(connection, tenant, released)
        connection.executemany("DELETE FROM pieces WHERE tenant = ? AND hash = ?", [(tenant, key) for key in orphans])
        next_released: Counter[str] = Counter()
        for children in orphans.values():
            next_released.update(children)
        released = next_released


def _orphans(connection: sqlite3.Connection, tenant: str, keys: Collection[str]) -> dict[str, frozenset[str]]:
    """Those of the pieces that nothing uses, with the pieces they refer to."""
    orphans: dict[str, frozenset[str]] = {}
    for some in batched(keys, CHUNK):
        # A text refers to nothing: its body stays where it is.
        query = (
            f"SELECT hash, kind, CASE kind WHEN {PieceKind.TEXT:d} THEN NULL ELSE body END"  # noqa: S608  # marks only
            f" FROM pieces WHERE tenant = ? AND uses <= 0 AND hash IN ({marks(len(some))})"
        )
        for key, kind, body in connection.execute(query, (tenant, *some)):
            orphans[key] = block_children(PieceKind(kind), unpack(body)) if body is not None else frozenset()
    return orphans


def give_back_space(connection: sqlite3.Connection) -> None:
    """Let the file shrink by what was freed. Raises sqlite3.Error."""
    connection.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
