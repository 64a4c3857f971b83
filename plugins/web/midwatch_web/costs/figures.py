"""The charts of costs: money and tokens over time, the dearest groups on top of each other."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from midwatch_core import CostRow, ExchangeFilter, Queries
from midwatch_web.charts.columns import columns
from midwatch_web.charts.figure import Axis, Figure, Series
from midwatch_web.charts.scale import money, short
from midwatch_web.charts.slots import Slots
from midwatch_web.costs.asked import CostsAsked

# Groups that have a colour of their own; the others are one.
_MOST_SERIES = 6
_OTHERS = "c-8"

type _Measure = Callable[[CostRow], Decimal]

_MEASURES: tuple[tuple[str, _Measure, Callable[[float], str]], ...] = (
    ("Cost", lambda row: row.cost_usd, money),
    ("API-equivalent of subscriptions", lambda row: row.api_equivalent_usd, money),
    ("Tokens, in and out", lambda row: Decimal(row.input_tokens + row.output_tokens), short),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTime:
    """Sums by time: of all calls, and of each of the dearest groups by its name."""

    all: Sequence[CostRow]
    groups: Sequence[tuple[str, Sequence[CostRow]]]


async def read_over_time(queries: Queries, asked: CostsAsked, slots: Slots, rows: Sequence[CostRow]) -> OverTime:
    """Each group is asked for by itself: sums by time and user at once are too many. Raises StorageError.

    `rows` are the sums by `asked.keys`.
    """
    key = asked.series
    if asked.by != key:
        rows = await queries.costs(asked.wanted, by=[key])
    names = _dearest(rows)
    wanted = [asked.wanted, *(_of_group(asked.wanted, key, name) for name in names)]
    whole, *groups = await asyncio.gather(*(queries.costs(item, by=[slots.key]) for item in wanted))
    return OverTime(all=whole, groups=list(zip(names, groups, strict=True)))


def figures_of(slots: Slots, read: OverTime) -> list[Figure]:
    """A measure of which there is nothing has no chart."""
    axis = Axis(names=[slots.name(place) for place in range(len(slots.starts))], marks=slots.marks())
    return [
        columns(f"{title} by {slots.words}", axis, _series(slots, read, measure), tell=tell)
        for title, measure, tell in _MEASURES
        if any(measure(row) for row in read.all)
    ]


def _dearest(rows: Sequence[CostRow]) -> list[str]:
    """The groups that have a colour of their own, in every chart the same; calls without such a name are others."""
    sums: dict[str, tuple[Decimal, int]] = {}
    for row in rows:
        if (name := row.group[0]) is not None:
            spent, tokens = sums.get(name, (Decimal(0), 0))
            spent += row.cost_usd + row.api_equivalent_usd
            sums[name] = (spent, tokens + row.input_tokens + row.output_tokens)
    return sorted(sums, key=lambda name: (sums[name], name), reverse=True)[:_MOST_SERIES]


def _of_group(wanted: ExchangeFilter, key: str, name: str) -> ExchangeFilter:
    only: dict[str, Any] = {key: name}
    return replace(wanted, **only)


def _series(slots: Slots, read: OverTime, measure: _Measure) -> list[Series]:
    others = _values(slots, read.all, measure)
    found = []
    for number, (name, rows) in enumerate(read.groups, start=1):
        values = _values(slots, rows, measure)
        others = [whole - part for whole, part in zip(others, values, strict=True)]
        if any(values):
            found.append(Series(name=name, style=f"c-{number}", values=list(map(float, values))))
    # Calls may have come between the questions: no group is less than nothing.
    rest = [max(0.0, float(value)) for value in others]
    return [*found, Series(name="others", style=_OTHERS, values=rest)] if any(rest) else found


def _values(slots: Slots, rows: Sequence[CostRow], measure: _Measure) -> list[Decimal]:
    values = [Decimal(0)] * len(slots.starts)
    for row in rows:
        place = slots.place(row.group[0])
        if place is not None:
            values[place] += measure(row)
    return values
