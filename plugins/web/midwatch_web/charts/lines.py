"""Lines: measures over time. Where there is no value there is a gap, never a straight line over it."""

from collections.abc import Callable, Iterator, Sequence

from midwatch_web.charts.figure import HEIGHT, Axis, Figure, Series, Stroke, marks_of, rules_of, spots_of, summary_of
from midwatch_web.charts.scale import short, ticks


def lines(title: str, axis: Axis, series: Sequence[Series], *, tell: Callable[[float], str] = short) -> Figure:
    """A line for each series. `tell` writes a value."""
    highest = [_highest(series, place) for place in range(len(axis.names))]
    scale = ticks(max((value for value in highest if value is not None), default=0))
    return Figure(
        title=title,
        summary=summary_of(title, axis, highest, tell),
        scale=[tell(tick) for tick in reversed(scale)],
        rules=rules_of(scale),
        spots=spots_of(axis, series, tell),
        marks=marks_of(axis),
        key=[(item.style, item.name) for item in series] if len(series) > 1 else (),
        strokes=[stroke for item in series for stroke in _strokes(item, scale[-1])],
    )


def _highest(series: Sequence[Series], place: int) -> float | None:
    return max((value for item in series if (value := item.values[place]) is not None), default=None)


def _strokes(series: Series, top: float) -> Iterator[Stroke]:
    """The pieces between neighbours; a value without neighbours is a point."""
    width = 100 / len(series.values)
    points = [
        None if value is None else ((place + 0.5) * width, HEIGHT * (1 - value / top))
        for place, value in enumerate(series.values)
    ]
    for place, point in enumerate(points):
        if point is None:
            continue
        after = points[place + 1] if place + 1 < len(points) else None
        before = points[place - 1] if place else None
        if after is not None or before is None:
            x, y = after or point
            yield Stroke(x1=point[0], y1=point[1], x2=x, y2=y, style=series.style)
