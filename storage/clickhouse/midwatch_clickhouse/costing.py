"""Costs: whole hours from the hourly sums; what is left at the edges, and what the sums can't tell, from the rows.

Money is summed inside the database where it is exact, and beside it where a cost is finer than 10^-12 dollars.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from midwatch_clickhouse.columns import HOUR_SUMS
from midwatch_clickhouse.conditions import Conditions, add_text, add_times, of_filter, times_of
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.grouping import key_columns, labels_of
from midwatch_clickhouse.schema import HOUR, HOUR_US, SUMS
from midwatch_core import EXACT, CostRow, CostSum, ExchangeFilter, Scope, check_cost_keys, highest_first

_FINE = "cost_usd IS NOT NULL AND cost_pico IS NULL"
# Hours beyond any that an exchange can have: open ends.
_FIRST_HOUR, _END_HOUR = -(2**31), 2**31 - 1

type _Times = tuple[int | None, int | None]


async def costs_of(
    connection: Connection, scope: Scope, wanted: ExchangeFilter, by: Sequence[str]
) -> Sequence[CostRow]:
    """Sums by keys of COST_KEYS, highest cost first. Raises StorageError."""
    check_cost_keys(by)
    conditions, times = of_filter(scope, wanted), times_of(wanted)
    if wanted.text is not None:
        add_text(conditions, wanted.text, scope)
    query, values = _union(conditions, times, by, _hours(wanted, times))
    sums: dict[tuple[Any, ...], CostSum] = {}
    fine = 0
    for row in await connection.rows(query, values):
        calls, read, written, pico, unpriced, finer = row[len(by) :]
        total = CostSum(calls=calls, input_tokens=read, output_tokens=written, unpriced=unpriced)
        total.add_cost(EXACT.scaleb(Decimal(pico), -12))
        sums[tuple(row[: len(by)])] = total
        fine += finer
    if fine:
        add_times(conditions, *times)
        await _add_fine(connection, sums, conditions, by)
    return highest_first(total.row(labels_of(by, group)) for group, total in sums.items())


def _hours(wanted: ExchangeFilter, times: _Times) -> range:
    """The whole hours that the sums answer for; none where they can't tell what is wanted."""
    if any(one is not None for one in (wanted.text, wanted.trace_id, wanted.session, wanted.client, wanted.status)):
        return range(0)
    since_us, until_us = times
    first = _FIRST_HOUR if since_us is None else -(-since_us // HOUR_US)
    end = _END_HOUR if until_us is None else until_us // HOUR_US
    return range(max(first, _FIRST_HOUR), min(end, _END_HOUR))


def _union(conditions: Conditions, times: _Times, by: Sequence[str], hours: range) -> tuple[str, dict[str, Any]]:
    """The sums over hours and over the rows that no whole hour covers, added up by group."""
    selects, values = [], dict(conditions.values)
    if hours:
        selects.append(_of_hours(conditions, by))
        values |= {"first_hour": hours.start, "end_hour": hours.stop}
    for number, edge in enumerate(_edges(times, hours)):
        narrowed = conditions.copy()
        add_times(narrowed, *edge, mark=str(number))
        selects.append(_of_rows(narrowed, by))
        values |= narrowed.values
    groups = [f"k{number}" for number in range(len(by))]
    sums = [f"sum(s{number})" for number in range(len(HOUR_SUMS))]
    query = f"SELECT {', '.join([*groups, *sums])} FROM ({' UNION ALL '.join(selects)})"  # noqa: S608  # names only
    grouped = f" GROUP BY {', '.join(groups)}" if groups else ""
    return f"{query}{grouped} HAVING sum(s0) > 0", values


def _edges(times: _Times, hours: range) -> Iterable[_Times]:
    since_us, until_us = times
    if not hours:
        yield since_us, until_us
        return
    if since_us is not None and since_us < hours.start * HOUR_US:
        yield since_us, hours.start * HOUR_US
    if until_us is not None and hours.stop * HOUR_US < until_us:
        yield hours.stop * HOUR_US, until_us


def _of_hours(conditions: Conditions, by: Sequence[str]) -> str:
    sums = [f"sum(`{column.name}`) AS s{number}" for number, column in enumerate(HOUR_SUMS)]
    within = "hour >= {first_hour:Int32} AND hour < {end_hour:Int32}"
    return _select([*key_columns(by, "hour"), *sums], f"hours WHERE {conditions.where} AND {within}", by)


def _of_rows(conditions: Conditions, by: Sequence[str]) -> str:
    sums = [f"{expression} AS s{number}" for number, expression in enumerate(SUMS)]
    return _select([*key_columns(by, HOUR), *sums], f"exchanges AS e WHERE {conditions.where}", by)


def _select(columns: Sequence[str], source: str, by: Sequence[str]) -> str:
    grouped = f" GROUP BY {', '.join(f'k{number}' for number in range(len(by)))}" if by else ""
    return f"SELECT {', '.join(columns)} FROM {source}{grouped}"  # noqa: S608  # names and parameters only


async def _add_fine(
    connection: Connection, sums: dict[tuple[Any, ...], CostSum], conditions: Conditions, by: Sequence[str]
) -> None:
    columns = ", ".join([*key_columns(by, HOUR), "cost_usd"])
    query = f"SELECT {columns} FROM exchanges AS e WHERE {conditions.where} AND {_FINE}"  # noqa: S608  # as above
    for *group, cost in await connection.rows(query, conditions.values):
        # Of a group that came since the sums were read, nothing is told yet.
        if (total := sums.get(tuple(group))) is not None:
            total.add_cost(Decimal(cost))
