"""Activity: how calls went, counted by group in one pass over their rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from midwatch_clickhouse.conditions import conditions
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.grouping import key_columns, labels_of
from midwatch_clickhouse.schema import HOUR
from midwatch_core import (
    TTFT_BOUNDS_MS,
    TTFT_CLASSES,
    ActivityRow,
    ActivitySum,
    ExchangeFilter,
    Scope,
    check_cost_keys,
    most_calls_first,
)

_BELOW = ", ".join(f"ttft_ms <= {bound}, {number}" for number, bound in enumerate(TTFT_BOUNDS_MS))
# A class's place, as one more key: counting each class by itself takes twice as long.
_TTFT = f"multiIf(ttft_ms IS NULL, NULL, {_BELOW}, {TTFT_CLASSES - 1}) AS class"
_COUNTS = "toInt64(count()), toInt64(sum(errors)), toInt64(sum(refused)), toInt64(countIf(notEmpty(findings)))"


async def activity_in(
    connection: Connection, scope: Scope, wanted: ExchangeFilter, by: Sequence[str]
) -> Sequence[ActivityRow]:
    """Counts by keys of COST_KEYS, most calls first. Raises StorageError."""
    check_cost_keys(by)
    found = conditions(scope, replace(wanted, text=None))
    groups = ", ".join([*(f"k{number}" for number in range(len(by))), "class"])
    columns = ", ".join([*key_columns(by, HOUR), _TTFT, _COUNTS])
    query = f"SELECT {columns} FROM exchanges AS e WHERE {found.where} GROUP BY {groups}"  # noqa: S608  # names and parameters only
    sums: dict[tuple[Any, ...], ActivitySum] = {}
    for row in await connection.rows(query, found.values):
        ttft_class, calls, errors, refused, flagged = row[len(by) :]
        ttft = [calls if number == ttft_class else 0 for number in range(TTFT_CLASSES)]
        total = sums.setdefault(tuple(row[: len(by)]), ActivitySum())
        total.add_counts(calls, errors, refused, flagged, ttft)
    return most_calls_first(total.row(labels_of(by, group)) for group, total in sums.items())
