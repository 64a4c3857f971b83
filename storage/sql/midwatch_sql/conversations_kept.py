"""What is kept of each conversation, by trace and finest group: as exchanges come and go, in their transaction."""

import sqlite3
from collections.abc import Iterable, Sequence
from operator import add

from midwatch_sql.columns import CONVERSATIONS, names
from midwatch_sql.conditions import marks
from midwatch_sql.summing import Facts, cost_part

# Where an exchange's part is kept.
PLACE = ("trace_id", "group_id")

_SUMS = [column.name for column in CONVERSATIONS[5:]]
_LATER = "(excluded.last_at, excluded.last_id) > (conversations.last_at, conversations.last_id)"
_ADD = (
    f"INSERT INTO conversations ({names(CONVERSATIONS)}) VALUES ({marks(len(CONVERSATIONS))})"  # noqa: S608  # names only
    " ON CONFLICT (trace_id, group_id) DO UPDATE SET first_at = min(first_at, excluded.first_at),"
    f" last_id = CASE WHEN {_LATER} THEN excluded.last_id ELSE last_id END, last_at = max(last_at, excluded.last_at), "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)
)
_THIS = "WHERE trace_id = ?1 AND group_id = ?2"
_TAKE = (
    f"UPDATE conversations SET {', '.join(f'{name} = {name} - ?{place}' for place, name in enumerate(_SUMS, 3))}"  # noqa: S608  # as above
    f" {_THIS}"
)
_SWEEP = f"DELETE FROM conversations {_THIS} AND calls = 0"  # noqa: S608  # as above
_EXCHANGES = f"FROM exchanges INDEXED BY exchanges_by_trace {_THIS}"
_ENDS = (
    f"UPDATE conversations SET first_at = (SELECT started_at {_EXCHANGES} ORDER BY started_at LIMIT 1),"  # noqa: S608  # as above
    f" (last_at, last_id) = (SELECT started_at, id {_EXCHANGES} ORDER BY started_at DESC, id DESC LIMIT 1) {_THIS}"
)

type _Key = tuple[str, int]


def add_to_conversations(connection: sqlite3.Connection, exchanges: Sequence[Facts], groups: Sequence[int]) -> None:
    """Add exchanges of these finest groups. Within a transaction. Raises sqlite3.Error."""
    keys = [(facts["trace_id"], group) for facts, group in zip(exchanges, groups, strict=True)]
    moments: dict[_Key, list[tuple[int, str]]] = {}
    for key, facts in zip(keys, exchanges, strict=True):
        moments.setdefault(key, []).append((facts["started_at"], facts["id"]))
    sums = _summed(keys, exchanges)
    connection.executemany(_ADD, [(*key, min(some)[0], *max(some), *sums[key]) for key, some in moments.items()])


def take_from_conversations(connection: sqlite3.Connection, exchanges: Sequence[Facts]) -> None:
    """Take exchanges away that are deleted already. Within a transaction. Raises sqlite3.Error."""
    sums = _summed([(facts["trace_id"], facts["group_id"]) for facts in exchanges], exchanges)
    connection.executemany(_TAKE, [(*key, *part) for key, part in sums.items()])
    connection.executemany(_SWEEP, sums)
    connection.executemany(_ENDS, sums)


def _summed(keys: Iterable[_Key], exchanges: Iterable[Facts]) -> dict[_Key, tuple[int, ...]]:
    sums: dict[_Key, tuple[int, ...]] = {}
    for key, facts in zip(keys, exchanges, strict=True):
        part = *cost_part(facts), int(facts["failed"]), int(facts["findings"] != "[]")
        sums[key] = tuple(map(add, sums[key], part)) if key in sums else part
    return sums
