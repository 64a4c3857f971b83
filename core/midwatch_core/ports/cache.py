"""The port of shared state: what the house asks of a cache."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from midwatch_core.metering import Admission, Demand


class CacheLayer(Protocol):
    """Short-lived state that workers and nodes share: values, leases, and the counters of limits and budgets.

    Keys are any text, values any bytes. `memory://` is one process's own. Raises as TraceRepository does. Every
    method is one round trip, and what it does is atomic.
    """

    async def start(self) -> None:
        """Connect."""
        ...

    async def get(self, key: str) -> bytes | None:
        """The value under `key`, None where there is none or its time is over."""
        ...

    async def set(self, key: str, value: bytes, *, ttl_s: float | None = None) -> None:
        """Keep a value, for `ttl_s` seconds or for good."""
        ...

    async def ttl(self, key: str) -> float | None:
        """The seconds a value has left; infinity for one kept for good, None for none."""
        ...

    async def invalidate(self, *keys: str) -> int:
        """Forget values; how many were there."""
        ...

    async def lease(self, name: str, holder: str, ttl_s: float) -> bool:
        """Take the lease, or renew it where `holder` has it; False where somebody else has it."""
        ...

    async def release(self, name: str, holder: str) -> None:
        """Let the lease go, where `holder` has it."""
        ...

    async def admit(self, ticket: str, demands: Sequence[Demand], *, hold_s: float) -> Admission:
        """Take all demands, or none; what is taken is noted under `ticket` for `hold_s` seconds.

        A further call with the same ticket adds to it. A ticket not settled in time: windows and allowances keep what
        it took as used, concurrency lets go.
        """
        ...

    async def settle(self, ticket: str, actual: Mapping[str, int]) -> bool:
        """The call is over: its counters stand at what was used, by name; those not named keep what was taken.

        Concurrency lets go, named or not; buckets keep. False where the ticket is not there (any more): then nothing
        happens, so that settling twice counts once.
        """
        ...

    async def add(self, key: str, amounts: Mapping[str, float], *, ttl_s: float) -> None:
        """Add to sums under `key`, by name; those not there begin at nothing. All go `ttl_s` after the last.

        Amounts from -10^15 to 10^15. More than 10,000 at once may be several round trips, each of them whole.
        """
        ...

    async def sums(self, key: str) -> Mapping[str, float]:
        """The sums under `key`; none where there are none, or their time is over."""
        ...

    async def seed(self, name: str, amount: int, *, ends_s: float) -> None:
        """Begin the counter of an allowance with what was spent before it; nothing where it is there already."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


@runtime_checkable
class ImmediateMeters(Protocol):
    """The counters of a cache that is in this process: no call need wait for them."""

    def admit_now(self, ticket: str, demands: Sequence[Demand], *, hold_s: float) -> Admission:
        """As CacheLayer.admit."""
        ...

    def settle_now(self, ticket: str, actual: Mapping[str, int]) -> bool:
        """As CacheLayer.settle."""
        ...
