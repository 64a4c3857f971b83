"""Sums by group: from those kept, where hours and days are whole; from exchanges at the ragged ends."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from midwatch_core import ExchangeFilter, FindingFilter, Scope, moment_of
from midwatch_core import microseconds as us
from midwatch_sql.conditions import Conditions, dimensions_asked, of_conversation, of_dimensions, of_time
from midwatch_sql.groups import level_of
from midwatch_sql.periods import HOUR_US, HOURS_A_DAY, Grain, Span, cut

_SIZES = {Grain.MOMENT: 1, Grain.HOUR: HOUR_US, Grain.DAY: HOURS_A_DAY * HOUR_US}
_PERIODS = {"day": (Grain.DAY, "%Y-%m-%d"), "hour": (Grain.HOUR, "%Y-%m-%dT%H:00")}

type Rows = Iterator[Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSums:
    """Which sums: by keys of COST_KEYS, the columns of those kept, and what each is among exchanges.

    A row is the values of the keys, hours and days as their numbers since 1970 (see `labels`), then the sums.
    """

    by: Sequence[str]
    columns: Sequence[str]
    of_exchanges: Sequence[str]

    def wanted(self, connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter) -> Rows:
        """What a filter wants, in pieces: a group may come several times. Its text asks nothing here.

        Raises StorageError, sqlite3.Error.
        """
        asked = of_dimensions(scope, wanted)
        if (conversation := of_conversation(wanted)).words:
            yield from self.exchanges(connection, conversation + asked + of_time(wanted))
            return
        level = level_of([*dimensions_asked(scope, wanted), *(key for key in self.by if key not in _PERIODS)])
        finest = Grain.HOUR if "hour" in self.by else Grain.DAY
        for span in spans_of(wanted, finest=finest):
            if span.grain is Grain.MOMENT:
                yield from self.exchanges(connection, asked + within(span))
            else:
                yield from self._kept(connection, asked, level, span)

    def exchanges(self, connection: sqlite3.Connection, where: Conditions) -> Rows:
        """The sums of exchanges. Raises sqlite3.Error."""
        keys = keys_of(self.by, Grain.MOMENT)
        query = grouped([*keys, *self.of_exchanges], len(keys), f"exchanges WHERE {where}")
        yield from connection.execute(query, where.values)

    def _kept(self, connection: sqlite3.Connection, asked: Conditions, level: int, span: Span) -> Rows:
        """Each group first: groups are few, and so are the rows that the second grouping has to sort."""
        table = f"cost_{span.grain.value}s"
        where = asked + Conditions(["level = ?"], [level]) + within(span)
        keys = {f"k{place}": key for place, key in enumerate(keys_of(self.by, span.grain))}
        sums = {f"s{place}": f"sum({table}.{name})" for place, name in enumerate(self.columns)}
        columns = ", ".join(f"{what} AS {name}" for name, what in (keys | sums).items())
        alike = ", ".join(["id", *self._periods(span.grain)])
        source = f"cost_groups CROSS JOIN {table} ON group_id = id WHERE {where}"
        inner = f"SELECT {columns} FROM {source} GROUP BY {alike}"  # noqa: S608  # names and question marks only
        outer = grouped([*keys, *(f"sum({name})" for name in sums)], len(keys), f"({inner})")
        yield from connection.execute(outer, where.values)

    def _periods(self, grain: Grain) -> list[str]:
        return sorted({_number(grain, _PERIODS[key][0]) for key in self.by if key in _PERIODS})


def spans_of(wanted: ExchangeFilter | FindingFilter, *, finest: Grain) -> list[Span]:
    """The pieces of a filter's time: see `periods.cut`. Raises StorageError for a moment without a time zone."""
    since, until = (None if moment is None else us(moment) for moment in (wanted.since, wanted.until))
    return cut(since, until, finest=finest)


def keys_of(by: Sequence[str], grain: Grain) -> list[str]:
    """What the rows of a table are grouped by; hours and days as their numbers since 1970."""
    return [_number(grain, _PERIODS[key][0]) if key in _PERIODS else key for key in by]


def labels(by: Sequence[str], group: Sequence[Any]) -> tuple[str | None, ...]:
    """The values of a row's keys as they are shown."""
    return tuple(_period(key, value) if key in _PERIODS else value for key, value in zip(by, group, strict=True))


@lru_cache(maxsize=10_000)  # an hour's is asked for by every group of it
def _period(key: str, number: int) -> str:
    grain, style = _PERIODS[key]
    return moment_of(number * _SIZES[grain]).strftime(style)


def _number(have: Grain, want: Grain) -> str:
    """The number of the `want` that a `have` lies in, also before 1970 (a division cuts towards zero)."""
    size = _SIZES[want] // _SIZES[have]
    column = have.value
    return column if size == 1 else f"({column} - (({column} % {size}) + {size}) % {size}) / {size}"


def within(span: Span) -> Conditions:
    """The condition that a row lies in a span."""
    found = Conditions()
    if span.first is not None:
        found.add(f"{span.grain.value} >= ?", span.first)
    if span.end is not None:
        found.add(f"{span.grain.value} < ?", span.end)
    return found


def grouped(columns: Sequence[str], keys: int, source: str) -> str:
    """A query of columns, grouped by the first of them."""
    query = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608  # names and question marks only
    return f"{query} GROUP BY {', '.join(str(number + 1) for number in range(keys))}" if keys else query
