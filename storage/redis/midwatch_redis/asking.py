"""Demands as the script of `admit` reads them, and its answer as an Admission."""

from collections.abc import Sequence

from midwatch_core import Admission, Allowance, Bucket, Concurrency, Demand, Window, lifetime_us, most_of
from midwatch_redis.keys import Keys, encoded

_MICRO = 1_000_000


def words_of(ticket: str, demands: Sequence[Demand], *, hold_s: float, wall_us: int) -> list[bytes]:
    """ARGV of the script."""
    words = [encoded(ticket), b"%d" % round(hold_s * _MICRO)]
    for demand in demands:
        kind, shape = _kind(demand, wall_us)
        hard = b"1" if demand.hard else b"0"
        words += (kind, encoded(demand.name), b"%d" % demand.amount, hard, b"%d" % most_of(demand), shape)
    return words


def keys_of(keys: Keys, ticket: str, demands: Sequence[Demand]) -> list[bytes]:
    """KEYS of the script."""
    return [keys.ticket(ticket), *(key for demand in demands for key in keys.counters(demand))]


def admission(reply: Sequence[int], demands: Sequence[Demand], *, wall_us: int) -> Admission:
    """The script's answer. When a period ends is told by our clock, which named the period."""
    refused, wait_us, unseeded = reply[:3]
    used = tuple(reply[3 + unseeded :])
    if not refused:
        return Admission(used=used, unseeded=tuple(place - 1 for place in reply[3 : 3 + unseeded]))
    demand = demands[refused - 1]
    if isinstance(demand.meter, Allowance):
        wait_us = max(1, demand.meter.ends_us - wall_us)
    retry_after_s = 0.0 if demand.amount > most_of(demand) else wait_us / _MICRO
    return Admission(used=used, refused=refused - 1, retry_after_s=retry_after_s)


def _kind(demand: Demand, wall_us: int) -> tuple[bytes, bytes]:
    """The kind's letter, and what a counter of this kind is told besides its limit."""
    match demand.meter:
        case Bucket(rate_per_s=rate_per_s):
            return b"b", repr(float(rate_per_s)).encode()
        case Window() as window:
            return b"w", b"%d" % window.slot_us
        case Concurrency():
            return b"c", b"0"
        case Allowance() as allowance:
            return b"a", b"%d" % (lifetime_us(allowance.ends_us, wall_us) // 1000)
