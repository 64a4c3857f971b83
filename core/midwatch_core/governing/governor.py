"""The life of one call under limits and budgets: admitted, extended while it streams, settled by what it used."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence

from midwatch_core.clock import Clock
from midwatch_core.errors import StorageUnavailableError
from midwatch_core.governing.bounds import FREE, OFTEN_UNTOLD, bound_of
from midwatch_core.governing.counting import Counting
from midwatch_core.governing.crossings import Crossings
from midwatch_core.governing.naming import counter_name
from midwatch_core.governing.rates import RateBook
from midwatch_core.governing.reservation import GRANTED, Reservation, Ruling
from midwatch_core.governing.rules import Measure, RuleCounter, Rules
from midwatch_core.metering import Admission, Allowance, Demand
from midwatch_core.model.content import Operation
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action
from midwatch_core.model.usage import Usage

# The first status that says that a call failed, and is not billed.
_FAILED = 400


class Governor:
    """Rules on calls. `open`, `admit`, any number of `extend`s, `settle` once; what can't be done at once is awaited.

    `rules` may be set anew: a call that is under way keeps those it began with.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        assumed_output_tokens: int,
        counting: Counting,
        book: RateBook,
        clock: Clock,
        crossings: Crossings,
    ) -> None:
        self.rules = rules
        self.assumed_output_tokens = assumed_output_tokens
        self.counting = counting
        self.book = book
        self._clock = clock
        self._crossings = crossings

    def open(self, opened: Exchange, *, body_bytes: int) -> Reservation | None:
        """What a call with this request, whose plain body has so many bytes, has to ask for; None for nothing."""
        counters = self.rules.counters_of(opened)
        if not counters.all:
            return None
        ticket = counter_name(opened.identity.tenant, (opened.id,), ())
        if not counters.sized:
            return Reservation(ticket=ticket, counters=counters, bound=None, rates=None)
        bound = bound_of(
            opened.request,
            opened.endpoint.dialect,
            body_bytes=body_bytes,
            assumed_output_tokens=self.assumed_output_tokens,
        )
        rates = self.book.rates(opened, bound) if counters.priced else None
        return Reservation(ticket=ticket, counters=counters, bound=bound, rates=rates)

    def admit(self, reservation: Reservation) -> Ruling | Awaitable[Ruling]:
        """Ask for all at once: every counter takes its part, or none does."""
        counters, bound = reservation.counters, reservation.bound
        if counters.demands is not None or bound is None:
            return self._ask(reservation, counters.all, counters.demands or ())
        reservation.output_tokens = bound.output_tokens
        return self._ask_for(reservation, counters.all, bound.input_tokens, bound.output_tokens)

    def extend(self, reservation: Reservation, output_tokens: int) -> Ruling | Awaitable[Ruling]:
        """Ask for more output, of the counters that go by it."""
        sized = tuple(item for item in reservation.counters.all if item.measure is not Measure.CALLS)
        return self._ask_for(reservation, sized, 0, output_tokens)

    def settle(self, reservation: Reservation, used: Mapping[str, int]) -> Awaitable[None] | None:
        """The call is over: its counters stand at what it used, by their names; the others keep what was reserved."""
        if reservation.asking is not None and not reservation.asking.done():
            return self._settle_later(reservation, reservation.asking, used)
        if not reservation.counters.settled or not reservation.places:
            return None
        return self.counting.settle(reservation, used)

    def used(self, reservation: Reservation, exchange: Exchange) -> dict[str, int]:
        """What a finished call used, by the names of its counters; those whose amount is unknown are left out.

        A call that failed used nothing. One whose client left before the answer began may still be billed: unknown.
        So is what was written of an answer that was cut: its last word on usage never came.
        """
        sized = [item for item in reservation.counters.all if item.measure is not Measure.CALLS]
        if not sized or (reservation.answered is None and reservation.abandoned):
            return {}
        if reservation.answered is None or reservation.answered >= _FAILED:
            return {item.name: 0 for item in sized}
        verdicts = (*exchange.verdicts, *reservation.verdicts)
        was_cut = any(item.action >= Action.CUT and not item.dry_run for item in verdicts)
        tokens = None if was_cut else tokens_of(exchange)
        if tokens is None:
            return {}
        cost = self.book.cost_nano(exchange) if reservation.counters.priced else None
        return {
            item.name: cost
            if cost is not None and item.measure is Measure.NANO_USD
            else reservation.amount(item, *tokens)
            for item in sized
        }

    def _ask_for(
        self, reservation: Reservation, counters: tuple[RuleCounter, ...], input_tokens: int, output_tokens: int
    ) -> Ruling | Awaitable[Ruling]:
        now_s = self._clock.now().timestamp()
        return self._ask(
            reservation,
            counters,
            [item.demand(reservation.amount(item, input_tokens, output_tokens), now_s) for item in counters],
        )

    def _ask(
        self, reservation: Reservation, counters: tuple[RuleCounter, ...], demands: Sequence[Demand]
    ) -> Ruling | Awaitable[Ruling]:
        admission = self.counting.admit_now(reservation, demands)
        if admission is None:
            # A task of its own: the call's end waits for it, whatever becomes of who asked.
            reservation.asking = asyncio.ensure_future(self._wait(reservation, counters, demands))
            return reservation.asking
        return self._ruled(reservation, counters, demands, admission)

    async def _settle_later(
        self, reservation: Reservation, asking: asyncio.Future[Ruling], used: Mapping[str, int]
    ) -> None:
        """What is still asked for may be granted, and would be nobody's then."""
        await asyncio.wait([asking])
        settling = self.settle(reservation, used)
        if settling is not None:
            await settling

    async def _wait(
        self, reservation: Reservation, counters: tuple[RuleCounter, ...], demands: Sequence[Demand]
    ) -> Ruling:
        try:
            admission = await self.counting.admit(reservation, counters, demands)
        except StorageUnavailableError:
            return Ruling(away=True)
        return self._ruled(reservation, counters, demands, admission)

    def _ruled(
        self,
        reservation: Reservation,
        counters: tuple[RuleCounter, ...],
        demands: Sequence[Demand],
        admission: Admission,
    ) -> Ruling:
        if admission.refused is not None:
            counter, demand = counters[admission.refused], demands[admission.refused]
            self._crossings.refused(counter, demand, admission.used[admission.refused])
            return Ruling(refused=counter, demand=demand, retry_after_s=admission.retry_after_s)
        if reservation.counters.priced:
            for counter, demand, used in zip(counters, demands, admission.used, strict=True):
                if isinstance(demand.meter, Allowance):
                    self._crossings.reached(counter, demand, used)
                    reservation.reserved_nano[counter.name] = (
                        reservation.reserved_nano.get(counter.name, 0) + demand.amount
                    )
        return GRANTED


def tokens_of(exchange: Exchange) -> tuple[int, int] | None:
    """The input and output tokens that the provider reported; None where that is not all, or not yet all, of them."""
    if exchange.request.operation in FREE:
        return 0, 0
    response = exchange.response
    usage = response.usage if response is not None else None
    if response is not None and response.complete and exchange.request.operation in OFTEN_UNTOLD:
        usage = usage or Usage()
        return usage.input_tokens or 0, usage.output_tokens or 0
    if response is None or usage is None or usage.input_tokens is None:
        return None
    if not response.complete and response.finish_reason is None:
        return None
    if usage.output_tokens is None:
        wrote_nothing = exchange.request.operation is Operation.EMBEDDINGS or not response.segments
        return (usage.input_tokens, 0) if wrote_nothing else None
    return usage.input_tokens, usage.output_tokens
