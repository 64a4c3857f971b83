"""The top lists: who and what the calls and the money are of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from midwatch_core import CostRow
from midwatch_web.calls.listfilter import ListFilter
from midwatch_web.overview.asked import Asked
from midwatch_web.overview.reading import TOP_KEYS

_MOST = 6
_TITLES = {
    "model": "Models",
    "tenant": "Tenants",
    "app": "Applications",
    "agent": "Agents",
    "user": "Users",
    "key_id": "Keys",
}
# What the list of calls can be narrowed by; the others are found among the costs.
_OF_CALLS = frozenset({"model", "tenant", "app", "agent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TopRow:
    """One line: its name, None for calls without one; `size` is what its bar shows, of `Top.largest`."""

    name: str | None
    calls: int
    cost_usd: Decimal
    api_equivalent_usd: Decimal
    unpriced: int
    size: float
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """One list, the largest first; `others` are not on it."""

    title: str
    rows: tuple[TopRow, ...]
    others: int

    @property
    def largest(self) -> float:
        """What the longest bar stands for."""
        return max((row.size for row in self.rows), default=0.0)


def tops_of(asked: Asked, tops: Sequence[Sequence[CostRow]], *, whole: bool) -> list[Top]:
    """The lists that have a name in them; tenants only where there are several, and the reader sees them (`whole`)."""
    made = []
    for key, rows in zip(TOP_KEYS, tops, strict=True):
        if key == "tenant" and (not whole or len(rows) < 2):
            continue
        if any(row.group[0] is not None for row in rows):
            made.append(_top(asked, key, rows))
    return made


def _top(asked: Asked, key: str, rows: Sequence[CostRow]) -> Top:
    size = _size_by(asked.order)
    first = sorted(rows, key=lambda row: -size(row))[:_MOST]
    shown = tuple(
        TopRow(
            name=row.group[0],
            calls=row.calls,
            cost_usd=row.cost_usd,
            api_equivalent_usd=row.api_equivalent_usd,
            unpriced=row.unpriced,
            size=size(row),
            address=_address(asked.chosen, key, row.group[0]),
        )
        for row in first
    )
    return Top(title=_TITLES[key], rows=shown, others=len(rows) - len(shown))


def _size_by(order: str) -> Callable[[CostRow], float]:
    if order == "calls":
        return lambda row: float(row.calls)
    return lambda row: float(row.cost_usd + row.api_equivalent_usd)


def _address(chosen: ListFilter, key: str, name: str | None) -> str | None:
    """Where to look closer: the calls of this name, or its costs."""
    if name is None:
        return None
    place = "/calls" if key in _OF_CALLS else "/costs"
    return f"{place}{chosen.query(**{key: name})}"
