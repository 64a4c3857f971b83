"""Costs by group: from the sums kept, where hours and days are whole; from exchanges at the ragged ends.

Summed inside the database where that is exact, and beside it where a cost is finer than 10^-12 dollars.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from midwatch_core import EXACT, CostRow, CostSum, ExchangeFilter, Scope, check_cost_keys, highest_first, moment_of
from midwatch_core import microseconds as us
from midwatch_sql.columns import FINE_COST
from midwatch_sql.conditions import Conditions, dimensions_asked, marks, of_conversation, of_dimensions, of_time
from midwatch_sql.groups import level_of
from midwatch_sql.periods import HOUR_US, HOURS_A_DAY, Grain, Span, cut
from midwatch_sql.summing import SPLIT

_SIZES = {Grain.MOMENT: 1, Grain.HOUR: HOUR_US, Grain.DAY: HOURS_A_DAY * HOUR_US}
_PERIODS = {"day": (Grain.DAY, "%Y-%m-%d"), "hour": (Grain.HOUR, "%Y-%m-%dT%H:00")}
_OF_EXCHANGES = (
    "count(*)",
    "coalesce(sum(input_tokens), 0)",
    "coalesce(sum(output_tokens), 0)",
    f"coalesce(sum(cost_pico / {SPLIT}), 0)",
    f"coalesce(sum(cost_pico % {SPLIT}), 0)",
    "count(*) - count(cost_usd)",
)
_OF_SUMS = ("calls", "input_tokens", "output_tokens", "cost_micro", "cost_rest", "unpriced")


class Costs:
    """Sums by keys of COST_KEYS while they are added up. Raises StorageError for a key that is none."""

    def __init__(self, by: Sequence[str]) -> None:
        check_cost_keys(by)
        self._by = by
        self._sums: dict[tuple[Any, ...], CostSum] = {}

    def add_wanted(self, connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter) -> None:
        """Add what a filter wants; its text asks nothing here. Raises StorageError, sqlite3.Error."""
        asked = of_dimensions(scope, wanted)
        if (conversation := of_conversation(wanted)).words:
            self._add_exchanges(connection, conversation + asked + of_time(wanted))
            return
        level = level_of([*dimensions_asked(scope, wanted), *(key for key in self._by if key not in _PERIODS)])
        finest = Grain.HOUR if "hour" in self._by else Grain.DAY
        since, until = (None if moment is None else us(moment) for moment in (wanted.since, wanted.until))
        for span in cut(since, until, finest=finest):
            if span.grain is Grain.MOMENT:
                self._add_exchanges(connection, asked + _within(span), fine=False)
            else:
                self._add_sums(connection, asked, level, span)
        self._add_fine(connection, "exchanges INDEXED BY exchanges_of_fine_cost", asked + of_time(wanted))

    def add_ids(self, connection: sqlite3.Connection, ids: Sequence[str]) -> None:
        """Add the exchanges of these ids, at most CHUNK. Raises sqlite3.Error."""
        self._add_exchanges(connection, Conditions([f"id IN ({marks(len(ids))})"], list(ids)))

    def rows(self) -> list[CostRow]:
        """The sums, highest cost first."""
        label = cache(_label)  # an hour's is asked for by every group of it
        return highest_first(
            total.row(tuple(label(key, value) for key, value in zip(self._by, group, strict=True)))
            for group, total in self._sums.items()
        )

    def _add_exchanges(self, connection: sqlite3.Connection, where: Conditions, *, fine: bool = True) -> None:
        keys = self._keys(Grain.MOMENT)
        query = _grouped([*keys, *_OF_EXCHANGES], len(keys), f"exchanges WHERE {where}")
        self._add(connection.execute(query, where.values))
        if fine:
            self._add_fine(connection, "exchanges", where)

    def _add_sums(self, connection: sqlite3.Connection, asked: Conditions, level: int, span: Span) -> None:
        """Each group first: groups are few, and so are the rows that the second grouping has to sort."""
        table = f"cost_{span.grain.value}s"
        where = asked + Conditions(["level = ?"], [level]) + _within(span)
        keys = {f"k{place}": key for place, key in enumerate(self._keys(span.grain))}
        sums = {f"s{place}": f"sum({table}.{name})" for place, name in enumerate(_OF_SUMS)}
        columns = ", ".join(f"{what} AS {name}" for name, what in (keys | sums).items())
        alike = ", ".join(["id", *self._periods(span.grain)])
        source = f"cost_groups CROSS JOIN {table} ON group_id = id WHERE {where}"
        inner = f"SELECT {columns} FROM {source} GROUP BY {alike}"  # noqa: S608  # names and question marks only
        outer = _grouped([*keys, *(f"sum({name})" for name in sums)], len(keys), f"({inner})")
        self._add(connection.execute(outer, where.values))

    def _add(self, rows: Iterable[Sequence[Any]]) -> None:
        for *group, calls, read, written, micro, rest, unpriced in rows:
            if calls:  # without keys an empty selection still has one row
                total = self._sums.setdefault(tuple(group), CostSum())
                total.calls += calls
                total.input_tokens += read
                total.output_tokens += written
                total.unpriced += unpriced
                total.add_cost(EXACT.scaleb(Decimal(micro * SPLIT + rest), -12))

    def _add_fine(self, connection: sqlite3.Connection, source: str, where: Conditions) -> None:
        columns = ", ".join([*self._keys(Grain.MOMENT), "cost_usd"])
        query = f"SELECT {columns} FROM {source} WHERE {FINE_COST} AND {where}"  # noqa: S608  # names and question marks only
        for *group, cost in connection.execute(query, where.values):
            self._sums[tuple(group)].add_cost(Decimal(cost))

    def _keys(self, grain: Grain) -> list[str]:
        """What the rows of a table are grouped by; hours and days as their numbers since 1970."""
        return [_number(grain, _PERIODS[key][0]) if key in _PERIODS else key for key in self._by]

    def _periods(self, grain: Grain) -> list[str]:
        return sorted({_number(grain, _PERIODS[key][0]) for key in self._by if key in _PERIODS})


def _label(key: str, value: Any) -> str | None:
    if key not in _PERIODS:
        return value  # type: ignore[no-any-return]  # a column's text, or None
    grain, style = _PERIODS[key]
    return moment_of(value * _SIZES[grain]).strftime(style)


def _number(have: Grain, want: Grain) -> str:
    """The number of the `want` that a `have` lies in, also before 1970 (a division cuts towards zero)."""
    size = _SIZES[want] // _SIZES[have]
    column = have.value
    return column if size == 1 else f"({column} - (({column} % {size}) + {size}) % {size}) / {size}"


def _within(span: Span) -> Conditions:
    found = Conditions()
    if span.first is not None:
        found.add(f"{span.grain.value} >= ?", span.first)
    if span.end is not None:
        found.add(f"{span.grain.value} < ?", span.end)
    return found


def _grouped(columns: Sequence[str], keys: int, source: str) -> str:
    query = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608  # names and question marks only
    return f"{query} GROUP BY {', '.join(str(number + 1) for number in range(keys))}" if keys else query
