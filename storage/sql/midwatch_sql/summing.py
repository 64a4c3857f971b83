"""The sums kept beside the exchanges, by group and hour and by group and day: as exchanges come and go.

They change in the transaction that keeps or forgets the exchanges, so they are their sums at any moment.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from midwatch_sql.columns import COST_DAYS, COST_HOURS, ColumnSpec, names
from midwatch_sql.conditions import marks
from midwatch_sql.groups import DIMENSIONS, FINEST, Group, group_ids, groups_of
from midwatch_sql.periods import HOUR_US, HOURS_A_DAY

# Micro-dollars and the rest apart: see columns.COST_HOURS.
SPLIT = 1_000_000
# What an exchange's part in the sums follows from.
FACTS = ("started_at", *DIMENSIONS, "input_tokens", "output_tokens", "cost_pico", "cost_usd")
# Calls, tokens read and written, micro-dollars, the rest, calls without a known cost.
_KINDS = 6

type Sums = list[int]
type Facts = Mapping[str, Any]


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
    groups = [groups_of([facts[name] for name in DIMENSIONS]) for facts in exchanges]
    ids = group_ids(connection, {group for levels in groups for group in levels})
    _change(connection, exchanges, groups, ids, sign=1)
    return [ids[levels[FINEST]] for levels in groups]


def take_from_sums(connection: sqlite3.Connection, exchanges: Sequence[Facts]) -> None:
    """Take exchanges away; sums and groups of none go. Within a transaction. Raises sqlite3.Error."""
    groups = [groups_of([facts[name] for name in DIMENSIONS]) for facts in exchanges]
    ids = group_ids(connection, {group for levels in groups for group in levels})
    _change(connection, exchanges, groups, ids, sign=-1)
    touched = [(key,) for key in ids.values()]
    connection.executemany("DELETE FROM cost_hours WHERE group_id = ? AND calls = 0", touched)
    connection.executemany("DELETE FROM cost_days WHERE group_id = ? AND calls = 0", touched)
    connection.executemany("DELETE FROM cost_groups WHERE id = ? AND calls = 0", touched)


def _change(
    connection: sqlite3.Connection,
    exchanges: Iterable[Facts],
    groups: Iterable[tuple[Group, ...]],
    ids: Mapping[Group, int],
    *,
    sign: int,
) -> None:
    calls: dict[int, int] = {}
    hours: dict[tuple[int, int], Sums] = {}
    days: dict[tuple[int, int], Sums] = {}
    for facts, levels in zip(exchanges, groups, strict=True):
        part = [sign * value for value in _part(facts)]
        hour = facts["started_at"] // HOUR_US
        for key in (ids[group] for group in levels):
            calls[key] = calls.get(key, 0) + sign
            _add(hours.setdefault((key, hour), [0] * _KINDS), part)
            _add(days.setdefault((key, hour // HOURS_A_DAY), [0] * _KINDS), part)
    connection.executemany(_ADD_HOURS, [(*key, *sums) for key, sums in hours.items()])
    connection.executemany(_ADD_DAYS, [(*key, *sums) for key, sums in days.items()])
    connection.executemany(_ADD_CALLS, [(number, key) for key, number in calls.items()])


def _part(facts: Facts) -> Sums:
    micro, rest = divmod(facts["cost_pico"] or 0, SPLIT)
    return [1, facts["input_tokens"] or 0, facts["output_tokens"] or 0, micro, rest, int(facts["cost_usd"] is None)]


def _add(sums: Sums, part: Sums) -> None:
    for place, value in enumerate(part):
        sums[place] += value
