"""What every repository's `costs` shares: which keys there are, exact sums, and the order of the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from midwatch_core.errors import StorageError
from midwatch_core.model.cost import CostBasis
from midwatch_core.ports import COST_KEYS, CostRow

# The key that keeps apart what is billed and what a subscription paid for.
BASIS = "cost_basis"
# Sums of money are never rounded: far more digits than prices and calls can bring together.
EXACT = Context(prec=400)
_PICO_DIGITS = 12
_LARGEST_PICO = 2**62


@dataclass(slots=True)
class CostSum:
    """A group's sums while they are added up."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    api_equivalent_usd: Decimal = Decimal(0)

    def add_call(self, input_tokens: int | None, output_tokens: int | None, cost_usd: Decimal | None) -> None:
        """Add one call; None is unknown."""
        self.calls += 1
        self.input_tokens += input_tokens or 0
        self.output_tokens += output_tokens or 0
        if cost_usd is None:
            self.unpriced += 1
        else:
            self.add_cost(cost_usd)

    def add_cost(self, amount: Decimal) -> None:
        """Add money, exactly."""
        self.cost_usd = EXACT.add(self.cost_usd, amount)

    def row(self, group: tuple[str | None, ...]) -> CostRow:
        """These sums as a row."""
        return CostRow(
            group=group,
            calls=self.calls,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cost_usd=self.cost_usd,
            unpriced=self.unpriced,
            api_equivalent_usd=self.api_equivalent_usd,
        )

    def add_row(self, row: CostRow, *, subscription: bool) -> None:
        """Add a group's sums; its money apart where a subscription paid."""
        self.calls += row.calls
        self.input_tokens += row.input_tokens
        self.output_tokens += row.output_tokens
        self.unpriced += row.unpriced
        if subscription:
            self.api_equivalent_usd = EXACT.add(self.api_equivalent_usd, row.cost_usd)
        else:
            self.add_cost(row.cost_usd)


def apart(rows: Iterable[CostRow], *, basis_at: int, width: int) -> list[CostRow]:
    """A repository's rows with API-equivalent money out of `cost_usd`, summed by the first `width` of their keys.

    `basis_at` is the place of `cost_basis` among those keys.
    """
    sums: dict[tuple[str | None, ...], CostSum] = {}
    for row in rows:
        total = sums.setdefault(row.group[:width], CostSum())
        total.add_row(row, subscription=row.group[basis_at] == CostBasis.API_EQUIVALENT)
    return highest_first(total.row(group) for group, total in sums.items())


def check_cost_keys(by: Sequence[str]) -> None:
    """Raises StorageError where a key is not one of COST_KEYS."""
    unknown = [key for key in by if key not in COST_KEYS]
    if unknown:
        raise StorageError(f"costs can't be grouped by {unknown[0]!r}; known are {', '.join(COST_KEYS)}")


def highest_first(rows: Iterable[CostRow]) -> list[CostRow]:
    """Highest cost first, whoever paid; where it is equal, more calls first, then by the group's values."""
    return sorted(rows, key=_order_of)


def _order_of(row: CostRow) -> tuple[Decimal, int, tuple[str, ...]]:
    cost = EXACT.add(row.cost_usd, row.api_equivalent_usd)
    return EXACT.minus(cost), -row.calls, tuple(value or "" for value in row.group)


def pico(cost: Decimal | None) -> int | None:
    """A cost in 10^-12 dollars where that is exact and fits 64 bits, else None. Raises StorageError for NaN.

    A database adds these up exactly by itself; the rare finer costs are added beside it.
    """
    if cost is None:
        return None
    if not cost.is_finite():
        raise StorageError(f"{cost} is no cost")
    if cost.adjusted() > _PICO_DIGITS or cost.as_tuple().exponent < -200:  # type: ignore[operator]  # finite: an int
        return None
    scaled = EXACT.scaleb(cost, _PICO_DIGITS)
    whole = int(scaled)
    return whole if whole == scaled and abs(whole) < _LARGEST_PICO else None
