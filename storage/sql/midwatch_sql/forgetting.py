"""Exchanges go, and with them the texts and blocks that nothing refers to any more, and their part in the sums."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import batched

from midwatch_sql.compression import unpack, unpack_detail
from midwatch_sql.conditions import marks
from midwatch_sql.conversations_kept import PLACE, take_from_conversations
from midwatch_sql.document import detail_children
from midwatch_sql.findings_kept import drop_findings
from midwatch_sql.folding import PieceKind, block_children
from midwatch_sql.putting import CHUNK
from midwatch_sql.summing import FACTS, take_from_sums

# Exchanges a transaction: the pipeline's batches go in between.
STEP = 100
# Free pages given back to the file system after a step.
_PAGES = 2000
# How long a step waits for readers to let go of the WAL: puts wait with it.
_PATIENCE_MS = 200


def forget(connection: sqlite3.Connection, ids: Sequence[str]) -> int:
    """Forget the exchanges of these ids, at most STEP; how many were there. Within a transaction.

    Raises StorageError, sqlite3.Error.
    """
    known_by = (*FACTS, *PLACE)
    query = f"SELECT id, detail, {', '.join(known_by)} FROM exchanges WHERE id IN ({marks(len(ids))})"  # noqa: S608  # names and marks only
    gone = connection.execute(query, ids).fetchall()
    facts = [dict(zip(known_by, values, strict=True)) for _, _, *values in gone]
    uses: dict[str, Counter[str]] = {}
    for (_, detail, *_), known in zip(gone, facts, strict=True):
        uses.setdefault(known["tenant"], Counter()).update(detail_children(unpack_detail(detail)))
    connection.executemany("DELETE FROM exchanges WHERE id = ?", [(exchange_id,) for exchange_id, *_ in gone])
    take_from_sums(connection, facts)
    take_from_conversations(connection, facts)
    drop_findings(connection, [exchange_id for exchange_id, *_ in gone])
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


def write_anew(connection: sqlite3.Connection) -> None:
    """Write the whole file anew. Where rows moved from page to page, copies of them stay in the pages' free space,
    which overwriting what is deleted does not reach: only this does. Raises sqlite3.Error.
    """
    connection.execute("PRAGMA temp_store=FILE")  # as large as the database: not in memory
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store=MEMORY")


def empty_wal(connection: sqlite3.Connection) -> bool:
    """Fold the WAL into the file and cut it off: it holds what pages were before. False while others read from it.

    Raises sqlite3.Error.
    """
    patience = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute(f"PRAGMA busy_timeout={_PATIENCE_MS}")
    try:
        busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy
    finally:
        connection.execute(f"PRAGMA busy_timeout={patience}")
