"""The chart of a model's scores: the share of them in each class, and behind it what its calibration set had there."""

from collections.abc import Iterator, Sequence
from itertools import chain

from midwatch_web.charts.figure import (
    HEIGHT,
    Axis,
    Bar,
    Figure,
    Series,
    Stroke,
    marks_of,
    rules_of,
    spots_of,
    summary_of,
)
from midwatch_web.charts.scale import percent, ticks
from midwatch_web.models.histogram import Histogram

_FILLS = 0.78
_STYLE, _EXPECTED = "flow", "odd"


def distribution(title: str, scores: Histogram, expected: Sequence[float]) -> Figure:
    """Columns of shares, and a line of the shares `expected`, whose classes are as wide or wider."""
    axis = _axis(scores.bounds)
    shares = [count / scores.count for count in _classes(scores)]
    hoped = _spread(expected, len(shares))
    series = [Series(name="scores", style=_STYLE, values=shares)]
    if hoped:
        series.append(Series(name="calibration set", style=_EXPECTED, values=hoped))
    scale = ticks(max(chain(shares, hoped)))
    return Figure(
        title=title,
        summary=summary_of(title, axis, shares, percent),
        scale=[percent(tick) for tick in reversed(scale)],
        rules=rules_of(scale),
        spots=spots_of(axis, series, percent),
        marks=marks_of(axis),
        key=[(item.style, item.name) for item in series] if hoped else (),
        bars=list(_bars(shares, scale[-1])),
        strokes=list(_steps(hoped, scale[-1])),
    )


def _classes(scores: Histogram) -> list[float]:
    """The counts of the classes; what lies above the last bound, as rounding may have it, is of the last."""
    *within, last, above = scores.counts
    return [*within, last + above]


def _axis(bounds: Sequence[float]) -> Axis:
    lower = [0.0, *bounds[:-1]]
    names = [f"{low:g} to {high:g}" for low, high in zip(lower, bounds, strict=True)]
    apart = max(1, len(bounds) // 4)
    marked = [(place, f"{lower[place]:.2g}") for place in range(0, len(bounds), apart)]
    return Axis(names=names, marks=[*marked, (len(bounds) - 1, f"{bounds[-1]:g}")])


def _spread(expected: Sequence[float], classes: int) -> list[float]:
    """Shares over finer classes: each evenly over those that are in it. Nothing where they do not fit."""
    if not expected or classes % len(expected):
        return []
    finer = classes // len(expected)
    return [share / finer for share in expected for _ in range(finer)]


def _bars(shares: Sequence[float], top: float) -> Iterator[Bar]:
    """What is there at all is seen: no column is lower than a pixel."""
    width = 100 / len(shares)
    for place, share in enumerate(shares):
        if share:
            height = max(1.0, HEIGHT * share / top)
            x = (place + (1 - _FILLS) / 2) * width
            yield Bar(x=x, width=width * _FILLS, y=HEIGHT - height, height=height, style=_STYLE)


def _steps(hoped: Sequence[float], top: float) -> Iterator[Stroke]:
    """A level for each class, and a riser to the next where it is another."""
    if not hoped:
        return
    width, before = 100 / len(hoped), HEIGHT * (1 - hoped[0] / top)
    for place, share in enumerate(hoped):
        x, y = place * width, HEIGHT * (1 - share / top)
        if y != before:
            yield Stroke(x1=x, y1=before, x2=x, y2=y, style=_EXPECTED)
        yield Stroke(x1=x, y1=y, x2=x + width, y2=y, style=_EXPECTED)
        before = y
