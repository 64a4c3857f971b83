"""Limits and budgets on flows: calls that may not go out are answered 429, streams that may not go on are cut."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from mitmproxy import http

from midwatch.proxy import bridge
from midwatch.proxy.answering import StreamedAnswer, cutter_of
from midwatch.proxy.governing.metering import METER, StreamMeter, Unguarded
from midwatch.proxy.guarding import REFUSED
from midwatch_core.call import Call
from midwatch_core.clock import Clock
from midwatch_core.enforcement import CallGuard
from midwatch_core.governing.governor import Governor
from midwatch_core.governing.money import NANO
from midwatch_core.governing.refusals import refusal_of, verdict_of
from midwatch_core.governing.reservation import Reservation, Ruling
from midwatch_core.governing.rules import NONE, RuleCounter
from midwatch_core.governing.settings import BudgetRule
from midwatch_core.guarded import Guard
from midwatch_core.metering import MOST
from midwatch_core.metrics import Metrics
from midwatch_core.model.changing import changed
from midwatch_core.model.exchange import Exchange, Transport
from midwatch_core.model.finding import Action
from midwatch_core.wire.decoding import plain_body
from midwatch_core.wire.decompression import DecompressionError, decompressor_for
from midwatch_core.wire.dialect import Refusal

logger = logging.getLogger(__name__)

_AWAY = "(away)"
_CLOSE_S = 2.0
_FAILED = 500


class Governing:
    """One idea: a call is admitted before it goes out, metered while it streams, and settled before it is journalled.

    `refuses` says what becomes of calls that can't be counted because something of ours failed.
    """

    def __init__(self, governor: Governor, *, refuses: bool, clock: Clock, guard: Guard, metrics: Metrics) -> None:
        self.governor = governor
        self.refuses = refuses
        self._clock = clock
        self._guard = guard
        self._metrics = metrics
        self._settling: set[asyncio.Task[None]] = set()

    def admit(self, flow: http.HTTPFlow, call: Call) -> Awaitable[None] | None:
        """Ask for what the call may use: None where that is answered at once. A refused flow has its answer then.

        A request that streams on unread has gone too far to be answered: its connection ends.
        """
        if not self.governor.rules:
            return None
        outcome = self._guard.call("governing.admit", self._admit, flow, call)
        if not outcome.ok:
            self._failed(flow, call)
            return None
        asked: Awaitable[Ruling] | None = outcome.value
        return None if asked is None else self._wait(flow, call, asked)

    async def admit_message(self, call: Call, body_bytes: int) -> Refusal | None:
        """The same for a call that a message of so many bytes on a WebSocket begins; why it may not go out."""
        outcome = await self._guard.wait("governing.admit", self._ask, call, body_bytes)
        ruling: Ruling | None = outcome.value
        if not outcome.ok and self.refuses:
            ruling = self._uncounted(call)
        if ruling is None or ruling.granted:
            return None
        self._note(call, ruling, Action.BLOCK)
        return refusal_of(ruling, call.id)

    def meter(self, call: Call) -> StreamMeter | None:
        """What counts the output of a call whose answer may be cut; None where none has to be."""
        reservation = call.governed
        if reservation is None or not reservation.may_be_cut:
            return None
        return StreamMeter(self.governor, reservation, lambda ruling: self._cut(call, ruling))

    def answer(self, flow: http.HTTPFlow, call: Call, guard: CallGuard | None, *, settle: Callable[[], None]) -> bool:
        """A provider's answer begins: True where it is metered as it streams, and goes no other way.

        Where policy edits it too, its own editor does the counting: then this is False. `settle` journals the call.
        """
        reservation, response = call.governed, flow.response
        assert response is not None
        if reservation is None:
            return False
        reservation.answered = response.status_code
        meter = self.meter(call) if response.status_code < 400 else None
        if meter is None:
            return False
        flow.metadata[METER] = meter
        return (guard is None or not guard.edits_answers) and self._meter(flow, call, settle)

    def settled(self, call: Call, exchange: Exchange) -> Exchange:
        """The call is over: give back what it did not use. The exchange with what was decided, for its record."""
        reservation, call.governed = call.governed, None
        if reservation is None:
            return exchange
        # mitmproxy's words for a client that closed its connection, or reset its stream.
        reservation.abandoned = "client" in (exchange.error or "").lower()
        if exchange.transport is Transport.WEBSOCKET:
            reservation.answered = _answered(exchange)
        self._guard.call("governing.settle", self._settle, reservation, exchange)
        if not reservation.verdicts:
            return exchange
        return changed(exchange, verdicts=(*exchange.verdicts, *reservation.verdicts))

    async def close(self) -> None:
        """Wait a little for settlements on their way to the cache."""
        if self._settling:
            await asyncio.wait(self._settling, timeout=_CLOSE_S)

    def _admit(self, flow: http.HTTPFlow, call: Call) -> Awaitable[Ruling] | None:
        ruling = self._ask(call, _plain_bytes(flow))
        if ruling is None or not isinstance(ruling, Ruling):
            return ruling
        self._take(flow, call, ruling)
        return None

    def _ask(self, call: Call, body_bytes: int) -> Ruling | Awaitable[Ruling] | None:
        reservation = self.governor.open(call.opened(), body_bytes=body_bytes)
        if reservation is None:
            return None
        call.governed = reservation
        return self.governor.admit(reservation)

    async def _wait(self, flow: http.HTTPFlow, call: Call, asked: Awaitable[Ruling]) -> None:
        outcome = await self._guard.wait("governing.admit", self._waited, flow, call, asked)
        if not outcome.ok:
            self._failed(flow, call)

    async def _waited(self, flow: http.HTTPFlow, call: Call, asked: Awaitable[Ruling]) -> None:
        self._take(flow, call, await asked)

    def _take(self, flow: http.HTTPFlow, call: Call, ruling: Ruling) -> None:
        if not ruling.granted:
            self._note(call, ruling, Action.BLOCK)
            self._refuse(flow, call, refusal_of(ruling, call.id))

    def _failed(self, flow: http.HTTPFlow, call: Call) -> None:
        """Something of ours failed: the call passes uncounted, or is refused where the settings say so."""
        if self.refuses:
            self._guard.call("governing.refuse", self._take, flow, call, self._uncounted(call))

    def _uncounted(self, call: Call) -> Ruling:
        call.governed = call.governed or Reservation(ticket=call.id, counters=NONE, bound=None, rates=None)
        return Ruling(away=True)

    def _cut(self, call: Call, ruling: Ruling) -> Refusal:
        self._note(call, ruling, Action.CUT)
        return refusal_of(ruling, call.id)

    def _note(self, call: Call, ruling: Ruling, action: Action) -> None:
        """Put on record what was decided: with what policy decides, where it looks at the call."""
        verdict = verdict_of(ruling, action)
        if call.guard is not None:
            call.guard.record.note(verdict)
        elif call.governed is not None:
            call.governed.verdicts.append(verdict)
        rule = ruling.refused.rule.id if ruling.refused is not None else _AWAY
        self._metrics.add("midwatch_limited_total", labels=(rule,))

    def _refuse(self, flow: http.HTTPFlow, call: Call, refusal: Refusal) -> None:
        """Answer in the provider's place, and have the call know its answer."""
        if flow.request.stream:
            if flow.killable:
                flow.kill()
            return
        flow.response = bridge.response_of(call.dialect.refuse(refusal))
        flow.response.headers["x-midwatch-action"] = Action.BLOCK.name.lower()
        flow.metadata[REFUSED] = refusal
        call.respond(bridge.head_of(flow))
        call.feed(flow.response.raw_content or b"", self._clock.monotonic())

    def _meter(self, flow: http.HTTPFlow, call: Call, settle: Callable[[], None]) -> bool:
        """Have the answer pass an editor that changes nothing, and can end it in its dialect's own way."""
        response = flow.response
        assert response is not None
        head = bridge.head_of(flow)
        cutter = cutter_of(call, head)
        if cutter is None:
            return False
        try:
            decompressor = decompressor_for(head.content_encoding)
        except DecompressionError as error:
            logger.warning("a stream passes unmetered: %s", error)
            return False
        bridge.make_editable(response)
        call.respond(bridge.head_of(flow))
        response.stream = StreamedAnswer(
            flow,
            call,
            Unguarded(self._clock),
            cutter,
            decompressor,
            settle=settle,
            guarded=self._guard,
            metrics=self._metrics,
        )
        return True

    def _settle(self, reservation: Reservation, exchange: Exchange) -> None:
        used = self.governor.used(reservation, exchange)
        for counter in reservation.counters.all:
            self._count_money(counter, reservation, used)
        settling = self.governor.settle(reservation, used)
        if settling is not None:
            task = asyncio.ensure_future(_awaited(settling))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    def _count_money(self, counter: RuleCounter, reservation: Reservation, used: dict[str, int]) -> None:
        reserved = reservation.reserved_nano.get(counter.name, 0)
        if reserved and isinstance(counter.rule, BudgetRule):
            label = (counter.rule.id,)
            self._metrics.add("midwatch_budget_reserved_usd_total", reserved / NANO, label)
            self._metrics.add("midwatch_budget_used_usd_total", used.get(counter.name, reserved) / NANO, label)


async def _awaited(settling: Awaitable[None]) -> None:
    await settling


def _answered(exchange: Exchange) -> int | None:
    """The status that the answer to a message would have had: each call on a socket has its own fate."""
    response = exchange.response
    if response is None:
        return None
    return _FAILED if response.error is not None and response.usage is None else exchange.status


def _plain_bytes(flow: http.HTTPFlow) -> int:
    """The size of the request's body without its content encoding; what nobody can tell is as large as can be."""
    raw, encoding = flow.request.raw_content, flow.request.headers.get("content-encoding", "")
    if raw is None:  # it streams on unread
        length = flow.request.headers.get("content-length", "")
        return min(int(length), MOST) if length.isdecimal() and not encoding else MOST
    if not encoding:
        return len(raw)
    plain, problem = plain_body(raw, encoding)
    return MOST if problem else len(plain)
