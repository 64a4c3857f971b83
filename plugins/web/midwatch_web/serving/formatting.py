"""Numbers and moments as people read them."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

MISSING = "–"


def count(value: int | None) -> str:
    """A whole number with its thousands apart."""
    return MISSING if value is None else f"{value:,}"


def duration(value_ms: float | None) -> str:
    """Milliseconds in the unit that reads best: `0.4 ms`, `412 ms`, `1.23 s`, `2 min 05 s`."""
    if value_ms is None:
        return MISSING
    if value_ms < 10:
        return f"{value_ms:.1f} ms"
    if value_ms < 999.5:
        return f"{value_ms:.0f} ms"
    if value_ms < 59_995:
        return f"{value_ms / 1000:.2f} s"
    minutes, seconds = divmod(round(value_ms / 1000), 60)
    return f"{minutes} min {seconds:02d} s"


def dollars(value: Decimal | None) -> str:
    """An amount with its leading digits, however small: `$12.30`, `$0.0123`, `$0.000045`."""
    if value is None:
        return MISSING
    if value == 0:
        return "$0"
    places = 2 if abs(value) >= 1 else max(2, 2 - value.adjusted())
    text = f"{value:,.{places}f}"
    whole, _, decimals = text.partition(".")
    return f"${whole}.{decimals.rstrip('0').ljust(2, '0')}"


def cost(value: Decimal | None, basis: str | None) -> str:
    """A call's cost; after a `≈`, what it would have cost by the API, where a subscription paid for it."""
    return ("≈ " if basis == "api_equivalent" and value is not None else "") + dollars(value)


def decimal(value: Decimal) -> str:
    """A rate without a tail of noughts: `2.5`, `0.075`."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def units(value: int) -> str:
    """What a rate is per: `1 M`, `1 K`, `1`."""
    for factor, letter in ((1_000_000, "M"), (1000, "K")):
        if value >= factor and value % factor == 0:
            return f"{value // factor} {letter}"
    return f"{value:,}"


def tally(names: Iterable[str]) -> list[tuple[str, int]]:
    """Each name once, in the order of its first, with how often it is there."""
    return list(Counter(names).items())


def size(characters: int) -> str:
    """The length of a text."""
    return "1 character" if characters == 1 else f"{characters:,} characters"


def memory(value: int) -> str:
    """Bytes of memory: `231 MB`, `1.4 GB`."""
    megabytes = value / 1_000_000
    return f"{megabytes:,.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:,.1f} GB"


def moment(value: datetime) -> str:
    """A time of day in UTC; the page's script turns it into the reader's own."""
    return value.strftime("%H:%M:%S")


def full_moment(value: datetime) -> str:
    """Date and time in UTC, to the millisecond."""
    return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d} UTC"
