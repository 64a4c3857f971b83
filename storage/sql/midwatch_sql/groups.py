"""Groups: exchanges alike in everything they can be asked for by, but time, trace, session and text.

There are far fewer groups than exchanges, so a filter is asked of the groups, and exchanges are found by their group.
Sums are kept by group as well. For questions that name few dimensions there are coarse groups, of which there are
fewer still: an exchange belongs to one group of each level, and is found by that of the finest.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

# Every column that a filter may name.
FILTERED = ("tenant", "provider", "model", "app", "agent", "key_id", "user", "client", "status")
# Every column that a filter or a group of costs may name.
DIMENSIONS = (*FILTERED, "cost_basis")
# The dimensions that the groups of each level tell apart; the others are NULL there. In a store, the number of a
# level is its place here. All tell the basis apart: it has two values, and who adds up money asks for it.
LEVELS = (
    ("tenant", "cost_basis"),
    ("provider", "model", "cost_basis"),
    ("app", "agent", "cost_basis"),
    DIMENSIONS,
)
FINEST = len(LEVELS) - 1

type Group = tuple[Any, ...]

_SAME = " AND ".join(f"{name} IS ?" for name in DIMENSIONS)
_FIND = f"SELECT id FROM cost_groups WHERE {_SAME} AND level = ?"  # noqa: S608  # names only
_ADD = f"INSERT INTO cost_groups ({', '.join(DIMENSIONS)}, level, calls) VALUES ({'?, ' * len(DIMENSIONS)}?, 0)"  # noqa: S608  # names only


def level_of(asked: Iterable[str]) -> int:
    """The first level whose groups tell these dimensions apart."""
    names = set(asked)
    return next(number for number, dimensions in enumerate(LEVELS) if names.issubset(dimensions))


def groups_of(dimensions: Sequence[Any]) -> tuple[Group, ...]:
    """The groups that an exchange of these values belongs to: its values as each level sees them, then the level."""
    return tuple(
        (*(value if name in told else None for name, value in zip(DIMENSIONS, dimensions, strict=True)), level)
        for level, told in enumerate(LEVELS)
    )


def group_ids(connection: sqlite3.Connection, groups: Iterable[Group]) -> dict[Group, int]:
    """The ids of groups; those not there yet are added. Within a transaction. Raises sqlite3.Error."""
    ids: dict[Group, int] = {}
    for group in groups:
        found = connection.execute(_FIND, group).fetchone()
        # Not remembered from batch to batch: a group goes with its last exchange, whichever process deletes that.
        ids[group] = found[0] if found else int(connection.execute(_ADD, group).lastrowid or 0)
    return ids
