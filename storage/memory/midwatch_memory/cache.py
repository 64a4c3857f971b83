"""The cache of one process: values, leases, counters and sums in its memory, shared with nobody."""

from collections.abc import Mapping, Sequence
from math import inf

from midwatch_core import (
    Admission,
    Clock,
    Counters,
    Demand,
    StorageError,
    SystemClock,
    check_amounts,
    check_seconds,
    moment,
)
from midwatch_memory.passing import Passing


class MemoryCache:
    """A CacheLayer, and with ImmediateMeters: nothing in it waits. It belongs to one event loop."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._values: Passing[bytes] = Passing()
        self._leases: Passing[str] = Passing()
        self._sums: Passing[dict[str, float]] = Passing()
        self._counters = Counters()
        self._open = False

    async def start(self) -> None:
        """Open."""
        self._open = True

    async def get(self, key: str) -> bytes | None:
        """The value under `key`."""
        return self._values.get(key, self._now_s())

    async def set(self, key: str, value: bytes, *, ttl_s: float | None = None) -> None:
        """Keep a value."""
        now_s = self._now_s()
        self._values.keep(key, bytes(value), inf if ttl_s is None else now_s + _checked(ttl_s, "a value's time"), now_s)

    async def ttl(self, key: str) -> float | None:
        """The seconds a value has left."""
        return self._values.left(key, self._now_s())

    async def invalidate(self, *keys: str) -> int:
        """Forget values."""
        now_s = self._now_s()
        return sum(self._values.forget(key, now_s) for key in keys)

    async def lease(self, name: str, holder: str, ttl_s: float) -> bool:
        """Take or renew a lease."""
        now_s = self._now_s()
        until_s = now_s + _checked(ttl_s, "a lease")
        if self._leases.get(name, now_s) not in (None, holder):
            return False
        self._leases.keep(name, holder, until_s, now_s)
        return True

    async def release(self, name: str, holder: str) -> None:
        """Let a lease go."""
        now_s = self._now_s()
        if self._leases.get(name, now_s) == holder:
            self._leases.forget(name, now_s)

    async def admit(self, ticket: str, demands: Sequence[Demand], *, hold_s: float) -> Admission:
        """Take all demands, or none."""
        return self.admit_now(ticket, demands, hold_s=hold_s)

    async def settle(self, ticket: str, actual: Mapping[str, int]) -> bool:
        """Have the counters stand at what was used."""
        return self.settle_now(ticket, actual)

    async def add(self, key: str, amounts: Mapping[str, float], *, ttl_s: float) -> None:
        """Add to sums."""
        now_s = self._now_s()
        until_s = now_s + _checked(ttl_s, "the time of sums")
        check_amounts(amounts)
        if not amounts:
            return
        sums = self._sums.get(key, now_s) or {}
        for name, amount in amounts.items():
            sums[name] = sums.get(name, 0.0) + amount
        self._sums.keep(key, sums, until_s, now_s)

    async def sums(self, key: str) -> Mapping[str, float]:
        """The sums as they are now."""
        return dict(self._sums.get(key, self._now_s()) or {})

    async def seed(self, name: str, amount: int, *, ends_s: float) -> None:
        """Begin the counter of an allowance."""
        self._check_open()
        self._counters.seed(name, amount, ends_s=ends_s, at=moment(self._clock))

    def admit_now(self, ticket: str, demands: Sequence[Demand], *, hold_s: float) -> Admission:
        """As `admit`."""
        self._check_open()
        return self._counters.admit(ticket, demands, hold_s=hold_s, at=moment(self._clock))

    def settle_now(self, ticket: str, actual: Mapping[str, int]) -> bool:
        """As `settle`."""
        self._check_open()
        return self._counters.settle(ticket, actual, at=moment(self._clock))

    async def close(self) -> None:
        """Forget everything."""
        self._open = False
        self._values.clear()
        self._leases.clear()
        self._sums.clear()
        self._counters = Counters()

    def _now_s(self) -> float:
        self._check_open()
        return self._clock.monotonic()

    def _check_open(self) -> None:
        if not self._open:
            raise StorageError("memory://: the cache is not open")


def _checked(seconds: float, what: str) -> float:
    check_seconds(seconds, what)
    return seconds
