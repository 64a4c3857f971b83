"""The addon that watches: it recognises LLM calls, taps their answers as they pass, and journals each call once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from mitmproxy import http

from midwatch.proxy import bridge
from midwatch.proxy.admission.admitting import DENIED, Admitting
from midwatch.proxy.guarding import GUARD, REFUSED
from midwatch.proxy.journaling import JOURNAL_FULL
from midwatch.proxy.opening import asked_of, opening_of
from midwatch.proxy.recognising import Recognising
from midwatch.proxy.settling import Settling
from midwatch_core.access.shown import Denied
from midwatch_core.call import Call
from midwatch_core.clock import Clock
from midwatch_core.enforcement import CallGuard
from midwatch_core.guarded import Guard
from midwatch_core.metrics import Metrics
from midwatch_core.model.segment import Direction
from midwatch_core.sealing import Sealers
from midwatch_core.wire.catalogue import Match
from midwatch_core.wire.dialect import Dialect, Refusal

_MATCH = "midwatch_match"
_CALL = "midwatch_call"
OVERSIZE = "oversize: the request was larger than max_inspect_bytes and passed unread"


class Watching:
    """One idea: a flow that is a call to a model becomes a `Call`, fed by its answer's chunks and settled once.

    Every hook goes through the guard: an error of ours is counted and named, and the bytes go on as they are.
    """

    name = "midwatch_watching"

    def __init__(
        self,
        *,
        recognising: Recognising,
        admitting: Admitting,
        settling: Settling,
        sealers: Sealers,
        clock: Clock,
        metrics: Metrics,
        guard: Guard,
    ) -> None:
        self.recognising = recognising
        self.guarding = settling.guarding
        self.governing = settling.governing
        self._admitting = admitting
        self._settling = settling
        self._sealers = sealers
        self._clock = clock
        self._metrics = metrics
        self._guard = guard

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Tell calls to a model from everything else, which streams through unread."""
        if DENIED in flow.metadata:
            return
        match = self._guard.value("watching.recognise", self.recognising.match, flow)
        if match is None or match.socket:
            flow.request.stream = True
        else:
            flow.metadata[_MATCH] = match
            if flow.request.stream and (self.guarding.enforcer.may_act or self.governing.governor.rules):
                self._guard.call("guarding.oversize", self._guard_oversize, flow)

    def request(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """The whole request is here: read it, count it, and where policy may act on it, wait for what that says."""
        match = flow.metadata.get(_MATCH)
        if match is None or _CALL in flow.metadata:
            return None
        self._guard.value("watching.open", self._open, flow, match)
        call: Call | None = flow.metadata.get(_CALL)
        if call is None or flow.response is not None:
            return None
        asked = self.governing.admit(flow, call)
        if asked is None:
            return self._admitted(flow, call)
        if flow.request.stream:  # nobody waits: it is counted all the same, and ended where it may not be
            asyncio.ensure_future(asked)  # noqa: RUF006  # the cache's own deadline ends it
            return None
        return self._wait(flow, call, asked)

    async def _wait(self, flow: http.HTTPFlow, call: Call, asked: Awaitable[None]) -> None:
        await asked
        rest = self._admitted(flow, call)
        if rest is not None:
            await rest

    def _admitted(self, flow: http.HTTPFlow, call: Call) -> Awaitable[None] | None:
        """A call that may go out as far as its limits go: does policy have to look at it first?"""
        if flow.response is not None or not self.guarding.enforcer.may_act or flow.request.stream:
            return None
        guard: CallGuard | None = self._guard.value("guarding.open", self.guarding.open, flow, call)
        return self.guarding.request(flow, call, guard) if guard is not None else None

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """The answer begins: every body streams, a call's through the tap."""
        response = flow.response
        assert response is not None
        if DENIED in flow.metadata:
            return
        response.stream = True
        if _MATCH in flow.metadata and flow.request.stream:
            self.request(flow)  # it streams on unread, and was answered before its end
        call: Call | None = flow.metadata.get(_CALL)
        if call is None:
            return
        if REFUSED in flow.metadata:
            response.stream = False  # an answer of ours: `response` has it whole
        elif self._guard.value("governing.answer", self._govern_answer, flow, call):
            pass  # it is counted as it passes
        elif self._guard.value("guarding.answer", self._guard_answer, flow, call):
            pass  # its bytes go another way
        elif self._guard.value("watching.respond", self._respond, flow, call):
            response.stream = self._tap(call)

    def response(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """The end of an answer that had no body to tap, or that was held until here."""
        call: Call | None = flow.metadata.get(_CALL)
        if call is None or call.settled:
            if REFUSED in flow.metadata:
                self._guard.call("guarding.answer", self.guarding.ended, flow)
            return None
        guard: CallGuard | None = flow.metadata.get(GUARD)
        if guard is not None and flow.response is not None and not flow.response.stream:
            return self._end_whole(flow, call, guard)
        if guard is not None and not call.answered and flow.response is not None:
            self._guard.call("guarding.late", self._guard_large_answer, flow, call, guard)
        self._guard.call("watching.settle", self._settling.settle, call, None)
        return None

    def error(self, flow: http.HTTPFlow) -> None:
        """The call failed on the way, or its client left."""
        call: Call | None = flow.metadata.get(_CALL)
        if call is not None and not call.settled:
            reason = flow.error.msg if flow.error else "connection closed"
            self._guard.call("watching.settle", self._settling.settle, call, reason.rstrip(".")[:200])

    def _open(self, flow: http.HTTPFlow, match: Match) -> None:
        began_s = self._clock.monotonic()
        asked = asked_of(
            flow,
            match,
            self.recognising.dialects[match.dialect],
            unread=OVERSIZE,
            oversize=bool(flow.request.stream),
        )
        if asked is None:
            return
        identity = self._admitting.identifying.identity(flow)
        if isinstance(identity, Denied):  # what was good at the head of the request is so no more
            self._admitting.deny(flow, identity)
            return
        if self.guarding.enforcer.may_act:
            asked = replace(asked, decoded=self._sealers.of(identity.tenant).hashed(asked.decoded))
        own = self._admitting.identifying.session_headers
        flow.metadata[_CALL] = Call(
            opening_of(flow, asked, identity, at=self._clock.now(), began_s=began_s, own_sessions=own)
        )
        self._settling.begun(flow, flow.metadata[_CALL])
        if not match.listens:
            self._metrics.add("midwatch_calls_total", labels=(match.provider, match.dialect))
        if self._settling.journalist.refuses and not flow.request.stream:
            self._refuse(flow, asked.dialect, flow.metadata[_CALL].id)

    def _guard_oversize(self, flow: http.HTTPFlow) -> None:
        self.request(flow)
        call: Call | None = flow.metadata.get(_CALL)
        acts = call is not None and self.guarding.enforcer.may_act
        guard = self.guarding.open(flow, call) if call is not None and acts else None
        if guard is not None:
            self.guarding.oversize(flow, guard)

    def _govern_answer(self, flow: http.HTTPFlow, call: Call) -> bool:
        guard: CallGuard | None = flow.metadata.get(GUARD)
        metered = self.governing.answer(flow, call, guard, settle=lambda: self._settling.settle(call, None))
        if metered and guard is not None and flow.response is not None:
            self.guarding.label(flow.response, guard)
        return metered

    def _guard_answer(self, flow: http.HTTPFlow, call: Call) -> bool:
        """Whether the answer is edited or held on its way."""
        guard: CallGuard | None = flow.metadata.get(GUARD)
        if guard is None:
            return False
        return self.guarding.answer(flow, call, guard, settle=lambda: self._settling.settle(call, None))

    async def _end_whole(self, flow: http.HTTPFlow, call: Call, guard: CallGuard) -> None:
        """Rule on an answer that was held, then journal what the client gets."""
        if REFUSED not in flow.metadata:
            await self.guarding.whole(flow, call, guard)
        elif flow.response is not None:
            # Refused at its head: mitmproxy has put the provider's body into our answer since.
            self.guarding.refuse(flow, call, flow.metadata[REFUSED])
        self._guard.call("watching.tap", self._take_whole, flow, call)
        if not call.settled:
            self._guard.call("watching.settle", self._settling.settle, call, None)

    def _guard_large_answer(self, flow: http.HTTPFlow, call: Call, guard: CallGuard) -> None:
        """An answer that was to be held grew larger than may be held: mitmproxy let it through."""
        guard.failed(Direction.RESPONSE, "oversize: the answer passed unread")
        call.respond(bridge.head_of(flow))

    def _take_whole(self, flow: http.HTTPFlow, call: Call) -> None:
        assert flow.response is not None
        call.respond(bridge.head_of(flow))
        call.feed(flow.response.raw_content or b"", self._clock.monotonic())

    def _refuse(self, flow: http.HTTPFlow, dialect: Dialect, call_id: str) -> None:
        """Answer instead of the provider; a request that streamed on has gone too far for that."""
        refusal = Refusal(status=503, code="journal_full", message=JOURNAL_FULL, request_id=call_id)
        flow.response = bridge.response_of(dialect.refuse(refusal))
        self._metrics.add("midwatch_journal_refused_total")

    def _respond(self, flow: http.HTTPFlow, call: Call) -> bool:
        call.respond(bridge.head_of(flow))
        if call.due:  # a body of no bytes: the head is all there is
            self._settling.settle(call, None)
        return True

    def _tap(self, call: Call) -> Callable[[bytes], bytes]:
        """What mitmproxy calls with each chunk before it goes to the client, and with b"" at the end."""
        guard, take, settle = self._guard, self._take, self._settling.settle

        def tap(chunk: bytes) -> bytes:
            if chunk:
                guard.value("watching.tap", take, call, chunk)
            elif not call.settled:
                guard.call("watching.settle", settle, call, None)
            return chunk

        return tap

    def _take(self, call: Call, chunk: bytes) -> None:
        if call.settled:
            return
        call.feed(chunk, self._clock.monotonic())
        if call.due:
            self._settling.settle(call, None)
