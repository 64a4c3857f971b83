"""What a call cost, with the arithmetic, or why that is unknown."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One line of the invoice: `quantity` units of `kind` at `rate` US dollars per `per` units."""

    kind: str
    quantity: int
    rate: Decimal
    per: int
    amount: Decimal


class CostBasis(StrEnum):
    """What an amount means: billed by use, or what it would have cost by the API where a subscription paid."""

    METERED = "metered"
    API_EQUIVALENT = "api_equivalent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The price of one call. `amount` is None exactly when `reason` says why it is unknown."""

    amount: Decimal | None = None
    currency: str = "USD"
    source: str | None = None
    reason: str | None = None
    lines: tuple[CostLine, ...] = ()
    basis: CostBasis = CostBasis.METERED
