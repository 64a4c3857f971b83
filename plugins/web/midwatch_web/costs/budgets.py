"""Rows of limits and budgets as the page shows them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from midwatch_web.serving.formatting import dollars, duration

# From here on a meter shows that the end is near: the mark at which people are told of a budget.
_NEAR = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """A counter of a budget. `look` is the meter's class, `share` what is spent of the limit, 1 being all."""

    row: Mapping[str, Any]
    spent: Decimal
    limit: Decimal
    projected: Decimal | None
    until: datetime
    share: float
    look: str

    @property
    def over(self) -> bool:
        """Whether a straight line goes past the limit before the period ends."""
        return self.projected is not None and self.projected > self.limit


def lines_of(rows: Iterable[Mapping[str, Any]]) -> list[BudgetLine]:
    """From the rows of `Installation.budgets`."""
    return [_line(row) for row in rows]


def words_of(row: Mapping[str, Any]) -> str:
    """What a limit allows, in words."""
    if row["requests_per_s"] is not None:
        burst = f", {row['burst']:,} at once" if row["burst"] else ""
        return f"{row['requests_per_s']:g} requests a second{burst}"
    if row["concurrent"] is not None:
        return f"{row['concurrent']:,} calls at once"
    what = f"{row['tokens']:,} tokens" if row["tokens"] is not None else dollars(_amount(row["usd"]))
    return f"{what} in {duration(row['window_s'] * 1000)}"


def _line(row: Mapping[str, Any]) -> BudgetLine:
    share = float(row["share"])
    projected = row["projected_usd"]
    return BudgetLine(
        row=row,
        spent=_amount(row["spent_usd"]),
        limit=_amount(row["usd"]),
        projected=None if projected is None else _amount(projected),
        until=datetime.fromisoformat(row["until"]),
        share=share,
        look="over" if share >= 1 else "near" if share >= _NEAR else "full",
    )


def _amount(value: float) -> Decimal:
    return Decimal(repr(float(value)))
