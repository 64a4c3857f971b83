"""The sums as a table of one or two levels: the dearest first, or by time the newest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from midwatch_core import CostRow
from midwatch_web.costs.asked import TIMES, CostsAsked

# Groups that are shown, and parts of one: users and agents are named by clients.
_MOST_LINES = 100
_MOST_PARTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A group. `query` asks for it alone; `left_out` of its `parts` are not shown."""

    name: str | None
    sums: CostRow
    query: str | None
    parts: tuple["Line", ...] = ()
    left_out: int = 0

    @property
    def money(self) -> Decimal:
        """What it cost, whoever paid."""
        return self.sums.cost_usd + self.sums.api_equivalent_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """All lines with their `total`. `most` is the money of the dearest; `left_out` lines are not shown."""

    lines: tuple[Line, ...]
    total: CostRow
    most: Decimal
    left_out: int


def breakdown_of(asked: CostsAsked, rows: Sequence[CostRow]) -> Breakdown:
    """From sums by `asked.keys`."""
    groups: dict[str | None, list[CostRow]] = {}
    for row in rows:
        groups.setdefault(row.group[0], []).append(row)
    lines = _ordered(asked.by, [_line(asked, name, inner) for name, inner in groups.items()])
    return Breakdown(
        lines=tuple(lines[:_MOST_LINES]),
        total=total_of(rows),
        most=max((line.money for line in lines), default=Decimal(0)),
        left_out=max(0, len(lines) - _MOST_LINES),
    )


def total_of(rows: Iterable[CostRow]) -> CostRow:
    """The sum of groups."""
    rows = list(rows)
    return CostRow(
        group=(),
        calls=sum(row.calls for row in rows),
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cost_usd=sum((row.cost_usd for row in rows), Decimal(0)),
        unpriced=sum(row.unpriced for row in rows),
        api_equivalent_usd=sum((row.api_equivalent_usd for row in rows), Decimal(0)),
    )


def _line(asked: CostsAsked, name: str | None, rows: Sequence[CostRow]) -> Line:
    parts: list[Line] = []
    if asked.then is not None:
        found = [Line(name=row.group[1], sums=row, query=None) for row in rows]
        parts = _ordered(asked.then, found)
    return Line(
        name=name,
        sums=total_of(rows),
        query=asked.within(asked.by, name),
        parts=tuple(parts[:_MOST_PARTS]),
        left_out=max(0, len(parts) - _MOST_PARTS),
    )


def _ordered(key: str, lines: list[Line]) -> list[Line]:
    if key in TIMES:
        return sorted(lines, key=lambda line: line.name or "", reverse=True)
    return sorted(lines, key=lambda line: (-line.money, -line.sums.calls, line.name or ""))
