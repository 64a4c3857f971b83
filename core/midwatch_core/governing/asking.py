"""What may be asked of counters at all: every cache refuses the rest the same way."""

from collections.abc import Mapping, Sequence
from math import isfinite

from midwatch_core.errors import StorageError
from midwatch_core.metering import MOST, Allowance, Bucket, Concurrency, Demand, Window

# Longer than any time that makes sense, and short enough to be counted in microseconds.
_LONGEST_S = 36_500 * 86_400
_LAST_S = 2**32
# What is added a million million times is still a number.
_MOST_ADDED = 1e15

type CounterId = tuple[type, str, int]


def counter_id(demand: Demand) -> CounterId:
    """Which counter a demand means: a window of another length, an allowance of another end is another one."""
    meter = demand.meter
    kind = type(meter)
    if isinstance(meter, Window):
        return (kind, demand.name, meter.slot_us)
    if isinstance(meter, Allowance):
        return (kind, demand.name, meter.ends_us)
    return (kind, demand.name, 0)


def most_of(demand: Demand) -> int:
    """The most there ever is of what a demand asks for."""
    meter = demand.meter
    return meter.burst if isinstance(meter, Bucket) else meter.limit


def check_demands(demands: Sequence[Demand], hold_s: float) -> list[CounterId]:
    """The counters that are asked. Raises StorageError for amounts or meters that no cache can count by."""
    check_seconds(hold_s, "a hold")
    for demand in demands:
        _check_amount(demand.name, demand.amount)
        _check_amount(demand.name, most_of(demand))
        _check_meter(demand)
    ids = [counter_id(demand) for demand in demands]
    if len(set(ids)) < len(ids):
        raise StorageError(f"{demands[_twice(ids)].name!r} is asked for twice in one call")
    return ids


def check_actual(actual: Mapping[str, int]) -> None:
    """Raises StorageError for an amount that can't be counted."""
    for name, amount in actual.items():
        _check_amount(name, amount)


def _check_amount(name: str, amount: int) -> None:
    if not isinstance(amount, int) or not 0 <= amount <= MOST:
        raise StorageError(f"{name!r}: {amount!r} is no amount; whole numbers from 0 to 2^53 - 1 are")


def check_seconds(seconds: float, what: str) -> None:
    """Raises StorageError unless these are more than 0 and at most 100 years."""
    if not 0 < seconds <= _LONGEST_S:
        raise StorageError(f"{what} of {seconds} seconds: more than 0 and at most 100 years are needed")


def check_amounts(amounts: Mapping[str, float]) -> None:
    """Raises StorageError for what can't be added to a sum."""
    for name, amount in amounts.items():
        if not abs(amount) <= _MOST_ADDED:  # nan is neither more nor less
            raise StorageError(f"{name[:60]!r}: no amount that can be added; those from -10^15 to 10^15 can")


def check_seed(name: str, amount: int, ends_s: float) -> None:
    """Raises StorageError for what no allowance can begin with."""
    _check_amount(name, amount)
    _check_end(name, ends_s)


def _check_end(name: str, ends_s: float) -> None:
    if not 0 <= ends_s <= _LAST_S:
        raise StorageError(f"{name!r}: an allowance can't end at {ends_s}")


def _check_meter(demand: Demand) -> None:
    meter = demand.meter
    if isinstance(meter, Window):
        check_seconds(meter.window_s, "a window")
    elif isinstance(meter, Allowance):
        _check_end(demand.name, meter.ends_s)
    elif isinstance(meter, Bucket):
        if not (meter.rate_per_s > 0 and isfinite(meter.rate_per_s)):
            raise StorageError(f"{demand.name!r}: a bucket can't be refilled at {meter.rate_per_s} a second")
    elif not isinstance(meter, Concurrency):
        raise StorageError(f"{demand.name!r}: {type(meter).__name__} is no meter")


def _twice(ids: Sequence[CounterId]) -> int:
    return next(place for place, one in enumerate(ids) if one in ids[:place])
