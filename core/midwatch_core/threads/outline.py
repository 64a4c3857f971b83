"""A trace as an outline: what went on is one column, what branched off stands a step further in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from midwatch_core.listing import ExchangeRow
from midwatch_core.model.content import Json
from midwatch_core.model.thread import ToolSpan, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLine:
    """One exchange of a trace, and the tools whose results it brought. `depth` counts the branches it stands in."""

    depth: int
    row: ExchangeRow
    spans: tuple[ToolSpan, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """The row as JSON values, with `depth` and `tool_spans`."""
        return {**self.row.as_json(), "depth": self.depth, "tool_spans": [span_json(span) for span in self.spans]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A trace, oldest first. `cut` where it began before the first line."""

    trace_id: str
    lines: tuple[TraceLine, ...]
    cut: bool = False


def span_json(span: ToolSpan) -> dict[str, Json]:
    """A tool span as JSON values: moments in RFC 3339."""
    return {
        "call_id": span.call_id,
        "name": span.name,
        "called_by": span.called_by,
        "started_at": span.started_at.isoformat(),
        "ended_at": span.ended_at.isoformat(),
        "duration_ms": span.duration_ms,
        "path": span.path,
        "failed": span.failed,
    }


def may_have_spans(rows: Iterable[ExchangeRow]) -> list[str]:
    """The ids of those that may bring a tool's result: what they go on from called one, or is not among them."""
    by_id = {row.id: row for row in rows}
    return [
        row.id
        for row in by_id.values()
        if row.parent_id is not None and ((parent := by_id.get(row.parent_id)) is None or parent.tools_called)
    ]


def lines_of(rows: Sequence[ExchangeRow], spans: Mapping[str, tuple[ToolSpan, ...]]) -> tuple[TraceLine, ...]:
    """The rows of a trace in the order of its talk; `spans` are the tool spans by exchange."""
    rows = sorted(rows, key=lambda row: (row.started_at, row.id))
    known = {row.id for row in rows}
    children: dict[str | None, list[ExchangeRow]] = {}
    for row in rows:
        children.setdefault(row.parent_id if row.parent_id in known else None, []).append(row)
    lines: dict[str, TraceLine] = {}
    waiting = [(row, 0) for row in reversed(children.get(None, []))]
    while waiting:
        row, depth = waiting.pop()
        lines[row.id] = TraceLine(depth=depth, row=row, spans=spans.get(row.id, ()))
        waiting.extend(_going_on(children.get(row.id, []), depth))
    return tuple(lines.values())


def _going_on(children: Sequence[ExchangeRow], depth: int) -> list[tuple[ExchangeRow, int]]:
    """What goes on from an exchange, last things first: branches are told before the talk goes on."""
    branches = [(row, depth + 1) for row in children if row.turn == Turn.BRANCH]
    others = [(row, depth) for row in children if row.turn != Turn.BRANCH]
    return [*reversed(others), *reversed(branches)]
