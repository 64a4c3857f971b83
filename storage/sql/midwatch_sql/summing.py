"""The sums kept beside the exchanges, by group and hour and by group and day: as exchanges come and go.

They change in the transaction that keeps or forgets the exchanges, so they are their sums at any moment.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from midwatch_sql import activity_parts
from midwatch_sql.columns import COST_DAYS, COST_HOURS, ColumnSpec, names
from midwatch_sql.conditions import marks
from midwatch_sql.groups import DIMENSIONS, FINEST, group_ids, groups_of
from midwatch_sql.periods import HOUR_US, HOURS_A_DAY

# Micro-dollars and the rest apart: see columns.COST_HOURS.
SPLIT = 1_000_000
# What an exchange's part in the sums follows from.
FACTS = (
    "started_at",
    *DIMENSIONS,
    "input_tokens",
    "output_tokens",
    "cost_pico",
    "cost_usd",
    *activity_parts.FACTS,
)

type Sums = list[int]
type Facts = Mapping[str, Any]
# The dimensions of an exchange and its hour.
type Place = tuple[tuple[Any, ...], int]


def _added(table: str, columns: tuple[ColumnSpec, ...]) -> str:
    period, *sums = [column.name for column in columns[1:]]
    more = ", ".join(f"{name} = {name} + excluded.{name}" for name in sums)
    return (
        f"INSERT INTO {table} ({names(columns)}) VALUES ({marks(len(columns))})"  # noqa: S608  # names only
        f" ON CONFLICT (group_id, {period}) DO UPDATE SET {more}"
    )


_ADD_HOURS, _ADD_DAYS = _added("cost_hours", COST_HOURS), _added("cost_days", COST_DAYS)
_ADD_CALLS = "UPDATE cost_groups SET calls = calls + ? WHERE id = ?"


def add_to_sums(connection: sqlite3.Connection, exchanges: Sequence[Facts]) -> list[int]:
    """Add exchanges; the id of each one's finest group. Within a transaction. Raises sqlite3.Error."""
    places = [_place(facts) for facts in exchanges]
    changes = _Changes(connection, _summed(places, exchanges, sign=1))
    changes.write(connection)
    return [changes.finest[dimensions] for dimensions, _ in places]


def take_from_sums(connection: sqlite3.Connection, exchanges: Sequence[Facts]) -> None:
    """Take exchanges away; sums and groups of none go. Within a transaction. Raises sqlite3.Error."""
    places = [_place(facts) for facts in exchanges]
    changes = _Changes(connection, _summed(places, exchanges, sign=-1))
    changes.write(connection)
    changes.sweep(connection)


def _place(facts: Facts) -> Place:
    return tuple([facts[name] for name in DIMENSIONS]), facts["started_at"] // HOUR_US


def _summed(places: Iterable[Place], exchanges: Iterable[Facts], *, sign: int) -> dict[Place, Sums]:
    """Exchanges alike are one change."""
    sums: dict[Place, Sums] = {}
    for place, facts in zip(places, exchanges, strict=True):
        part = *cost_part(facts), *activity_parts.part_of(facts)
        _add(sums.setdefault(place, [0] * len(part)), [sign * value for value in part])
    return sums


def cost_part(facts: Facts) -> tuple[int, ...]:
    """An exchange's calls, tokens, cost and whether that is unknown, as `columns.COST_HOURS` has them."""
    micro, rest = divmod(facts["cost_pico"] or 0, SPLIT)
    tokens = facts["input_tokens"] or 0, facts["output_tokens"] or 0
    return 1, *tokens, micro, rest, int(facts["cost_usd"] is None)


class _Changes:
    """What exchanges change on every level. `finest` are the ids of the finest groups, by their dimensions."""

    def __init__(self, connection: sqlite3.Connection, changes: Mapping[Place, Sums]) -> None:
        groups = {dimensions: groups_of(dimensions) for dimensions, _ in changes}
        ids = group_ids(connection, {group for levels in groups.values() for group in levels})
        self.finest = {dimensions: ids[levels[FINEST]] for dimensions, levels in groups.items()}
        self._calls: dict[int, int] = {}
        self._hours: dict[tuple[int, int], Sums] = {}
        self._days: dict[tuple[int, int], Sums] = {}
        for (dimensions, hour), part in changes.items():
            for key in (ids[group] for group in groups[dimensions]):
                self._calls[key] = self._calls.get(key, 0) + part[0]
                _add(self._hours.setdefault((key, hour), [0] * len(part)), part)
                _add(self._days.setdefault((key, hour // HOURS_A_DAY), [0] * len(part)), part)

    def write(self, connection: sqlite3.Connection) -> None:
        """Add them to what is kept."""
        connection.executemany(_ADD_HOURS, [(*key, *sums) for key, sums in self._hours.items()])
        connection.executemany(_ADD_DAYS, [(*key, *sums) for key, sums in self._days.items()])
        connection.executemany(_ADD_CALLS, [(number, key) for key, number in self._calls.items()])

    def sweep(self, connection: sqlite3.Connection) -> None:
        """Let go of those that no exchange is left in."""
        connection.executemany("DELETE FROM cost_hours WHERE group_id = ? AND hour = ? AND calls = 0", self._hours)
        connection.executemany("DELETE FROM cost_days WHERE group_id = ? AND day = ? AND calls = 0", self._days)
        connection.executemany("DELETE FROM cost_groups WHERE id = ? AND calls = 0", [(key,) for key in self._calls])


def _add(sums: Sums, part: Iterable[int]) -> None:
    for place, value in enumerate(part):
        sums[place] += value
