"""Money as the counters have it: whole nano-dollars, so that nothing is lost in a sum; fractions are rounded up."""

from decimal import ROUND_CEILING, Decimal

from midwatch_core.cost_rows import EXACT
from midwatch_core.metering import MOST

NANO = 1_000_000_000
_DIGITS = 9


def nano_of(usd: Decimal) -> int:
    """US dollars in nano-dollars, rounded up, at most MOST. Raises ValueError for what is no amount of money."""
    if not usd.is_finite() or usd < 0:
        raise ValueError(f"{usd} is no amount of money")
    return min(int(EXACT.scaleb(usd, _DIGITS).to_integral_value(ROUND_CEILING)), MOST)


def usd_of(nano: int) -> Decimal:
    """Nano-dollars in US dollars."""
    return EXACT.scaleb(Decimal(nano), -_DIGITS)
