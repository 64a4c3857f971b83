"""Columns: sums over time, several series on top of each other."""

from collections.abc import Callable, Sequence

from midwatch_web.charts.figure import HEIGHT, Axis, Bar, Figure, Series, marks_of, rules_of, spots_of, summary_of
from midwatch_web.charts.scale import short, ticks

# How much of its slot a column fills.
_FILLS = 0.78


def columns(
    title: str,
    axis: Axis,
    series: Sequence[Series],
    *,
    tell: Callable[[float], str] = short,
    whole: bool = False,
) -> Figure:
    """Stacked columns, the first series at the bottom. `tell` writes a value; `whole`: values are counts."""
    totals = [sum(item.values[place] or 0 for item in series) for place in range(len(axis.names))]
    scale = ticks(max(totals, default=0), whole=whole)
    return Figure(
        title=title,
        summary=summary_of(title, axis, totals, tell),
        scale=[tell(tick) for tick in reversed(scale)],
        rules=rules_of(scale),
        spots=spots_of(axis, series, tell),
        marks=marks_of(axis),
        key=[(item.style, item.name) for item in series] if len(series) > 1 else (),
        bars=[bar for place in range(len(axis.names)) for bar in _stack(place, len(axis.names), series, scale[-1])],
    )


def _stack(place: int, count: int, series: Sequence[Series], top: float) -> list[Bar]:
    """The pieces of one column. What is there at all is seen: no piece is thinner than a pixel."""
    width, filled, bars = 100 / count, 0.0, []
    for item in series:
        if value := item.values[place]:
            height = max(1.0, HEIGHT * value / top)
            filled += height
            x = (place + (1 - _FILLS) / 2) * width
            bars.append(Bar(x=x, width=width * _FILLS, y=HEIGHT - filled, height=height, style=item.style))
    return bars
