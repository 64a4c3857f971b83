"""What is asked of shared counters: limits and budgets as demands, and the answer to all demands of a call at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A token bucket: `burst` at once, refilled at `rate_per_s`. What was taken is not given back."""

    rate_per_s: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A sliding window: at most `limit` in any `window_s` seconds, counted in SLOTS slots and never too low.

    What was taken counts in the slot of its moment until a ticket is settled; then what was really used does.
    """

    limit: int
    window_s: float

    @property
    def slot_us(self) -> int:
        """The length of a slot, in whole microseconds."""
        return max(1, -(-round(self.window_s * 1_000_000) // SLOTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """At most `limit` held at once. A ticket that is never settled lets go when its `hold_s` is over."""

    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """A budget of one period that ends at `ends_s` (seconds since 1970): at most `limit`, reserved and spent together.

    Its counter begins with what was spent before (`CacheLayer.seed`). A ticket that is never settled stays spent. Each
    end has a counter of its own: a clock that jumps finds, or begins, the one of its period.
    """

    limit: int
    ends_s: float

    @property
    def ends_us(self) -> int:
        """The end in whole microseconds since 1970."""
        return round(self.ends_s * 1_000_000)


type Meter = Bucket | Window | Concurrency | Allowance

# A window is counted in this many slots: its oldest slot counts whole until it is all out.
SLOTS = 30
# Lua counts in doubles: amounts and limits stay where those are exact.
MOST = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """`amount` units of the counter `name`. A soft demand is counted and never refuses.

    All demands of one call have the same tenant, and names that begin with it in braces (`{acme}:budget-1:gpt-5`), as
    the call's ticket does: a Redis cluster then keeps them in one place. No two are of the same counter.
    """

    name: str
    amount: int
    meter: Meter
    hard: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The answer to the demands of one call: all were taken, or none.

    `refused` is the place of the first demand that does not fit, and `retry_after_s` when it might (0 where waiting
    does not help: it asks for more than there ever is). `unseeded` are the places of allowances whose counter is not
    there yet: nothing was taken; seed them and ask again (what is refused anyway names none). `used` is, for each
    demand, what its counter stands at now (of a bucket: what is missing from its burst).
    """

    used: tuple[int, ...] = ()
    refused: int | None = None
    retry_after_s: float = 0.0
    unseeded: tuple[int, ...] = ()

    @property
    def granted(self) -> bool:
        """Whether all was taken."""
        return self.refused is None and not self.unseeded
