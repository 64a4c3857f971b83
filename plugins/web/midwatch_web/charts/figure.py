"""What a chart is drawn of: shapes placed across in hundredths of the width, down in pixels; so it fits any window.

Text is written at the size it is read at, on a phone as on a wide screen: nothing is scaled with a viewBox.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Pixels of the area that values are drawn in; the marks stand below it.
HEIGHT = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values, one for each slot; None is a gap. `style` is the class of its shapes: see `static/charts.css`."""

    name: str
    style: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The slots of a chart: their names in words, and some that are marked below with a few characters."""

    names: Sequence[str]
    marks: Sequence[tuple[int, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A rectangle; `x` and `width` in hundredths of the width, the others in pixels."""

    x: float
    width: float
    y: float
    height: float
    style: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """A piece of a line between two points; one point alone where both are the same."""

    x1: float
    y1: float
    x2: float
    y2: float
    style: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """The ground of one slot, which tells its values to who points at it."""

    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A word below the axis. A `minor` one is left out where the window is narrow."""

    x: float
    text: str
    anchor: str
    minor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart. `summary` says in words what it shows; `scale` are the ticks' texts, the highest first."""

    title: str
    summary: str
    scale: Sequence[str]
    rules: Sequence[float]
    spots: Sequence[Spot]
    marks: Sequence[Mark]
    key: Sequence[tuple[str, str]] = ()
    bars: Sequence[Bar] = ()
    strokes: Sequence[Stroke] = ()
    height: int = HEIGHT


def rules_of(ticks: Sequence[float]) -> list[float]:
    """The height of each tick's line, the highest first."""
    return [HEIGHT * (1 - tick / ticks[-1]) for tick in reversed(ticks)]


def spots_of(axis: Axis, series: Sequence[Series], tell: Callable[[float], str]) -> list[Spot]:
    """The ground of each slot, with what every series has there."""
    width = 100 / len(axis.names)
    return [
        Spot(x=place * width, width=width, title="\n".join([name, *_told(series, place, tell)]))
        for place, name in enumerate(axis.names)
    ]


def _told(series: Sequence[Series], place: int, tell: Callable[[float], str]) -> list[str]:
    values = [(item.name, item.values[place]) for item in series]
    return [f"{name}: {tell(value)}" for name, value in values if value is not None] or ["nothing"]


def marks_of(axis: Axis) -> list[Mark]:
    """The words below the axis, each in the middle of its slot but at the edges."""
    width, marks = 100 / len(axis.names), []
    for number, (place, text) in enumerate(axis.marks):
        x = (place + 0.5) * width
        anchor = "start" if x < 4 else "end" if x > 96 else "middle"
        marks.append(Mark(x=x, text=text, anchor=anchor, minor=bool(number % 2)))
    return marks


def summary_of(title: str, axis: Axis, totals: Sequence[float | None], tell: Callable[[float], str]) -> str:
    """The chart in a sentence."""
    told = [(value, place) for place, value in enumerate(totals) if value is not None]
    if not any(value for value, _ in told):
        return f"{title}: nothing in this time"
    value, place = max(told, key=lambda item: item[0])
    return f"{title}: at most {tell(value)}, {axis.names[place]}"
