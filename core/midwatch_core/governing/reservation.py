"""What one call has reserved, from its admission to its end."""

import asyncio
from dataclasses import dataclass, field

from midwatch_core.governing.bounds import Bound
from midwatch_core.governing.rates import Rates
from midwatch_core.governing.rules import Measure, RuleCounter, RuleCounters
from midwatch_core.metering import MOST, Demand
from midwatch_core.model.finding import Verdict
from midwatch_core.ports import CacheLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What became of asking: granted, or refused by a counter, or (`away`) nobody could count it.

    `retry_after_s` is 0 where waiting does not help.
    """

    refused: RuleCounter | None = None
    demand: Demand | None = None
    retry_after_s: float = 0.0
    away: bool = False

    @property
    def granted(self) -> bool:
        """Whether the call may go on."""
        return self.refused is None and not self.away


GRANTED = Ruling()


@dataclass(slots=True, kw_only=True)
class Reservation:
    """One call's. `output_tokens` are reserved so far; `places` the caches that may hold something under `ticket`,
    until `held_until_s` by a clock that never steps back. `unheard`: the shared one's first answer never came.

    `answered` is the status of the provider's answer, None until there is one; `abandoned`: its client left before
    that. `asking` is a question still on its way to a cache. `verdicts` are what was decided on the call, for its
    record; `reserved_nano` what was reserved of each budget, by its counter's name.
    """

    ticket: str
    counters: RuleCounters
    bound: Bound | None
    rates: Rates | None
    output_tokens: int = 0
    held_until_s: float = 0.0
    unheard: bool = False
    answered: int | None = None
    abandoned: bool = False
    asking: asyncio.Future[Ruling] | None = None
    places: list[CacheLayer] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    reserved_nano: dict[str, int] = field(default_factory=dict)

    @property
    def may_be_cut(self) -> bool:
        """Whether more output has to be asked for while the answer streams, and may be refused."""
        return (
            self.bound is not None
            and self.bound.open_ended
            and any(item.hard for item in self.counters.all if item.measure is not Measure.CALLS)
        )

    @property
    def slice_tokens(self) -> int:
        """How much output was reserved at first, and is asked for at a time."""
        return self.bound.output_tokens if self.bound is not None else 0

    def amount(self, counter: RuleCounter, input_tokens: int, output_tokens: int) -> int:
        """What so many tokens are in the units of a counter, at most."""
        if counter.measure is Measure.CALLS:
            return 1
        if counter.measure is Measure.TOKENS:
            return min(input_tokens + output_tokens, MOST)
        rates = self.rates or Rates(counter.assumed_nano_per_m, counter.assumed_nano_per_m)
        return rates.nano(input_tokens, output_tokens)
