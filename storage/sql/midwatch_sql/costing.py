"""Costs, summed inside the database where that is exact, and beside it where a cost is finer than 10^-12 dollars."""

import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from midwatch_core import EXACT, CostRow, CostSum, ExchangeFilter, Scope, check_cost_keys, highest_first, moment_of
from midwatch_sql.conditions import conditions

_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
# Micro-dollars and the rest apart: the sums of neither leave 64 bits.
_SPLIT = 1_000_000
# Whole days and hours since 1970, also before it (a division cuts towards zero).
_FLOOR = "(started_at - ((started_at % {0}) + {0}) % {0}) / {0}"
_PERIODS = {"day": (_DAY_US, "%Y-%m-%d"), "hour": (_HOUR_US, "%Y-%m-%dT%H:00")}


def costs_of(connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, by: Sequence[str]) -> list[CostRow]:
    """Sums by keys of COST_KEYS, highest cost first. Raises StorageError, sqlite3.Error."""
    check_cost_keys(by)
    groups = [_FLOOR.format(_PERIODS[key][0]) if key in _PERIODS else key for key in by]
    where, values = conditions(scope, wanted)
    sums: dict[tuple[Any, ...], CostSum] = {}
    for *group, calls, read, written, micro, rest, unpriced in connection.execute(_sums(groups, where), values):
        if calls:  # without keys an empty selection still has one row
            total = CostSum(calls=calls, input_tokens=read, output_tokens=written, unpriced=unpriced)
            total.add_cost(EXACT.scaleb(Decimal(micro * _SPLIT + rest), -12))
            sums[tuple(group)] = total
    for *group, cost in connection.execute(_fine(groups, where), values):
        sums[tuple(group)].add_cost(Decimal(cost))
    return highest_first(total.row(_labels(by, group)) for group, total in sums.items())


def _sums(groups: Sequence[str], where: str) -> str:
    columns = [
        *groups,
        "count(*)",
        "coalesce(sum(input_tokens), 0)",
        "coalesce(sum(output_tokens), 0)",
        f"coalesce(sum(cost_pico / {_SPLIT}), 0)",
        f"coalesce(sum(cost_pico % {_SPLIT}), 0)",
        "count(*) - count(cost_usd)",
    ]
    query = f"SELECT {', '.join(columns)} FROM exchanges WHERE {where}"  # noqa: S608  # names and question marks only
    return f"{query} GROUP BY {', '.join(str(number + 1) for number in range(len(groups)))}" if groups else query


def _fine(groups: Sequence[str], where: str) -> str:
    columns = ", ".join([*groups, "cost_usd"])
    return f"SELECT {columns} FROM exchanges WHERE {where} AND cost_usd IS NOT NULL AND cost_pico IS NULL"  # noqa: S608  # as above


def _labels(by: Sequence[str], group: Sequence[Any]) -> tuple[str | None, ...]:
    return tuple(
        moment_of(value * _PERIODS[key][0]).strftime(_PERIODS[key][1]) if key in _PERIODS else value
        for key, value in zip(by, group, strict=True)
    )
