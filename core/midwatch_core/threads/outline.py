"""A trace as an outline: what went on is one column, what branched off stands a step further in."""

from collections.abc import Sequence
from dataclasses import dataclass

from midwatch_core.listing import ExchangeRow
from midwatch_core.model.content import Json
from midwatch_core.model.thread import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLine:
    """One exchange of a trace. `depth` counts the branches it stands in."""

    depth: int
    row: ExchangeRow

    def as_json(self) -> dict[str, Json]:
        """The row as JSON values, with `depth`."""
        return {**self.row.as_json(), "depth": self.depth}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A trace, oldest first. `cut` where it began before the first line."""

    trace_id: str
    lines: tuple[TraceLine, ...]
    cut: bool = False


def lines_of(rows: Sequence[ExchangeRow]) -> tuple[TraceLine, ...]:
    """The rows of a trace in the order of its talk."""
    rows = sorted(rows, key=lambda row: (row.started_at, row.id))
    known = {row.id for row in rows}
    children: dict[str | None, list[ExchangeRow]] = {}
    for row in rows:
        children.setdefault(row.parent_id if row.parent_id in known else None, []).append(row)
    lines: dict[str, TraceLine] = {}
    waiting = [(row, 0) for row in reversed(children.get(None, []))]
    while waiting:
        row, depth = waiting.pop()
        lines[row.id] = TraceLine(depth=depth, row=row)
        waiting.extend(_going_on(children.get(row.id, []), depth))
    return tuple(lines.values())


def _going_on(children: Sequence[ExchangeRow], depth: int) -> list[tuple[ExchangeRow, int]]:
    """What goes on from an exchange, last things first: branches are told before the talk goes on."""
    branches = [(row, depth + 1) for row in children if row.turn == Turn.BRANCH]
    others = [(row, depth) for row in children if row.turn != Turn.BRANCH]
    return [*reversed(others), *reversed(branches)]
