"""When a conversation's calls and tools ran: each a step in the order of its talk, with its bar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from midwatch_core import ExchangeRow, Outline, ToolSpan, TraceLine

# The drawing's width in its own units, and what is drawn at least: a bar that can be seen.
WIDTH, _LEAST = 1000, 3
# Deeper branches stand where these do.
_DEEPEST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """When something was, in units of WIDTH."""

    start: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that ran."""

    span: ToolSpan
    bar: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A call, after the tools whose results it brought. `number` counts from 1 in the order of the talk."""

    number: int
    row: ExchangeRow
    depth: int
    bar: Bar
    tools: tuple[Tool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The whole of it. `cost_usd` sums what is known, `unpriced` counts the rest."""

    outline: Outline
    steps: tuple[Step, ...]
    began_at: datetime
    took_ms: float
    tools: int
    tokens: int | None
    cost_usd: Decimal
    unpriced: int
    findings: int


def timeline_of(outline: Outline) -> Timeline:
    """The timeline of a trace that has a line."""
    moments = sorted(moment for line in outline.lines for moment in _moments(line))
    began, ended = moments[0], moments[-1]
    rows = [line.row for line in outline.lines]
    tokens = [value for row in rows for value in (row.input_tokens, row.output_tokens) if value is not None]
    known = [row.cost_usd for row in rows if row.cost_usd is not None]
    return Timeline(
        outline=outline,
        steps=tuple(_step(number, line, began, ended) for number, line in enumerate(outline.lines, start=1)),
        began_at=began,
        took_ms=(ended - began).total_seconds() * 1000,
        tools=sum(len(row.tool_spans) for row in rows),
        tokens=sum(tokens) if tokens else None,
        cost_usd=sum(known, Decimal(0)),
        unpriced=len(rows) - len(known),
        findings=sum(len(row.findings) for row in rows),
    )


def _moments(line: TraceLine) -> Iterator[datetime]:
    yield line.row.started_at
    yield _end(line.row)
    for span in line.row.tool_spans:
        yield span.started_at


def _end(row: ExchangeRow) -> datetime:
    return row.started_at + timedelta(milliseconds=row.duration_ms or 0)


def _step(number: int, line: TraceLine, began: datetime, ended: datetime) -> Step:
    def bar(start: datetime, end: datetime) -> Bar:
        whole = max((ended - began).total_seconds(), 0.001)
        at = round(WIDTH * (start - began).total_seconds() / whole)
        width = max(_LEAST, round(WIDTH * (end - start).total_seconds() / whole))
        return Bar(start=min(at, WIDTH - _LEAST), width=min(width, WIDTH))

    return Step(
        number=number,
        row=line.row,
        depth=min(line.depth, _DEEPEST),
        bar=bar(line.row.started_at, _end(line.row)),
        tools=tuple(Tool(span=span, bar=bar(span.started_at, span.ended_at)) for span in line.row.tool_spans),
    )
