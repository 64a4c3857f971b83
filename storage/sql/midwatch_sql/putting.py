"""Keeping a batch of exchanges: only what is new is compressed and written, and uses are counted."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import batched

from midwatch_sql.columns import EXCHANGES, PIECES, names
from midwatch_sql.compression import pack, pack_detail
from midwatch_sql.conditions import marks
from midwatch_sql.conversations_kept import add_to_conversations
from midwatch_sql.document import TakenApart
from midwatch_sql.findings_kept import keep_findings
from midwatch_sql.folding import Piece
from midwatch_sql.rows import values_of
from midwatch_sql.summing import add_to_sums

# Below the number of values that any build of SQLite takes in one statement (999).
CHUNK = 500

_INSERT_EXCHANGE = f"INSERT INTO exchanges ({names(EXCHANGES)}) VALUES ({marks(len(EXCHANGES))})"  # noqa: S608  # names only
_INSERT_PIECE = f"INSERT INTO pieces ({names(PIECES)}) VALUES ({marks(len(PIECES))})"  # noqa: S608  # names only
_ADD_USES = "UPDATE pieces SET uses = uses + ? WHERE tenant = ? AND hash = ?"


def put_batch(connection: sqlite3.Connection, batch: Sequence[TakenApart]) -> None:
    """Keep those that are not there yet. Within a transaction. Raises sqlite3.Error, StorageError."""
    new = _not_yet_there(connection, batch)
    tenants: dict[str, list[TakenApart]] = {}
    for item in new:
        tenants.setdefault(item.row.tenant, []).append(item)
    for tenant, items in tenants.items():
        _put_pieces(connection, tenant, items)
    rows = [{**values_of(item.row), "failed": item.activity.errors} for item in new]
    groups = add_to_sums(connection, rows)
    add_to_conversations(connection, rows, groups)
    connection.executemany(
        _INSERT_EXCHANGE,
        [(*row.values(), group, pack_detail(item.detail)) for row, group, item in zip(rows, groups, new, strict=True)],
    )
    keep_findings(connection, [item.findings for item in new if item.findings])


def _not_yet_there(connection: sqlite3.Connection, batch: Sequence[TakenApart]) -> Collection[TakenApart]:
    first = {item.row.id: item for item in reversed(batch)}
    for ids in batched(list(first), CHUNK):
        query = f"SELECT id FROM exchanges WHERE id IN ({marks(len(ids))})"  # noqa: S608  # question marks only
        for (known,) in connection.execute(query, ids):
            del first[known]
    return first.values()


def _put_pieces(connection: sqlite3.Connection, tenant: str, items: Iterable[TakenApart]) -> None:
    """Count the uses of every piece that a new holder refers to; a piece not there yet is a new holder itself."""
    uses: Counter[str] = Counter()
    pieces: dict[str, Piece] = {}
    for item in items:
        uses.update(item.children)
        pieces.update(item.pieces)
    added: dict[str, Piece] = {}
    known: set[str] = set()
    unseen = set(uses)
    while unseen:
        known |= _known(connection, tenant, unseen)
        fresh = {key: pieces[key] for key in unseen - known}
        added |= fresh
        for piece in fresh.values():
            uses.update(piece.children)
        unseen = {child for piece in fresh.values() for child in piece.children} - known - added.keys()
    connection.executemany(_INSERT_PIECE, _piece_values(tenant, added, uses))
    connection.executemany(_ADD_USES, [(uses[key], tenant, key) for key in known])


def _known(connection: sqlite3.Connection, tenant: str, keys: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for some in batched(keys, CHUNK):
        query = f"SELECT hash FROM pieces WHERE tenant = ? AND hash IN ({marks(len(some))})"  # noqa: S608  # marks only
        found.update(key for (key,) in connection.execute(query, (tenant, *some)))
    return found


def _piece_values(
    tenant: str, added: Mapping[str, Piece], uses: Mapping[str, int]
) -> Iterator[tuple[str, str, int, int, bytes]]:
    for key, piece in added.items():
        yield tenant, key, int(piece.kind), uses[key], pack(piece.body)
