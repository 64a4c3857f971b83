"""The addon that watches: it recognises LLM calls, taps their answers as they pass, and journals each call once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from mitmproxy import http, tcp, tls

from midwatch.proxy import bridge
from midwatch.proxy.governing import Governing
from midwatch.proxy.guarding import GUARD, REFUSED, Guarding
from midwatch.proxy.identifying import Identifying, challenge
from midwatch.proxy.journaling import Journalist
from midwatch_core.access.shown import Denial, Denied
from midwatch_core.call import Call, Opening
from midwatch_core.clock import Clock
from midwatch_core.enforcement import CallGuard
from midwatch_core.guarded import Guard
from midwatch_core.ids import uuid7
from midwatch_core.metrics import Metrics
from midwatch_core.model.segment import Direction
from midwatch_core.sealing import Sealers
from midwatch_core.wire.catalogue import Catalogue, Match
from midwatch_core.wire.decoding import DecodedRequest, decode_request
from midwatch_core.wire.dialect import Dialect, Refusal
from midwatch_core.wire.target import Target

_MATCH = "midwatch_match"
_CALL = "midwatch_call"
_DENIED = "midwatch_denied"
JOURNAL_FULL = "Midwatch cannot keep a record of this call, and is told to refuse it then: its disk is full."
OVERSIZE = "oversize: the request was larger than max_inspect_bytes and passed unread"


class Watching:
    """One idea: a flow that is a call to a model becomes a `Call`, fed by its answer's chunks and settled once.

    Every hook goes through the guard: an error of ours is counted and named, and the bytes go on as they are.
    """

    name = "midwatch_watching"

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        dialects: dict[str, Dialect],
        journalist: Journalist,
        sealers: Sealers,
        identifying: Identifying,
        reads: Callable[[str, int], bool],
        clock: Clock,
        metrics: Metrics,
        guard: Guard,
        guarding: Guarding,
        governing: Governing,
    ) -> None:
        self.catalogue = catalogue
        self.guarding = guarding
        self.governing = governing
        self._dialects = dialects
        self._journalist = journalist
        self._sealers = sealers
        self.identifying = identifying
        self._reads = reads
        self._clock = clock
        self._metrics = metrics
        self._guard = guard

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel is asked for, perhaps by somebody who may not have one."""
        outcome = self._guard.call("identifying.connect", self._connect, flow)
        if not outcome.ok and self.identifying.required:
            flow.response = challenge(Denied(why=Denial.UNKNOWN))

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """TLS begins: nobody relays it unread for a stranger, whose requests must say who that is."""
        if data.ignore_connection and self.identifying.stranger(data.context.client):
            data.ignore_connection = False

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """Bytes of no protocol we know: nobody can say inside whose they are."""
        if self.identifying.stranger(flow.client_conn):
            flow.kill()

    def client_disconnected(self, client: Any) -> None:
        """A client is gone."""
        self.identifying.forget(client.id)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Tell who asks; then calls to a model from everything else, which streams through unread."""
        outcome = self._guard.call("identifying.take", self.identifying.take, flow)
        if not outcome.ok and self.identifying.required:
            self._deny(flow, Denied(why=Denial.UNKNOWN))
            return
        if outcome.value is not None:
            self._deny(flow, outcome.value)
            return
        match = self._guard.value("watching.recognise", self._recognise, flow)
        if match is None:
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
        if _DENIED in flow.metadata:
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
            return None
        guard: CallGuard | None = flow.metadata.get(GUARD)
        if guard is not None and flow.response is not None and not flow.response.stream:
            return self._end_whole(flow, call, guard)
        if guard is not None and not call.answered and flow.response is not None:
            self._guard.call("guarding.late", self._guard_large_answer, flow, call, guard)
        self._guard.call("watching.settle", self._settle, call, None)
        return None

    def error(self, flow: http.HTTPFlow) -> None:
        """The call failed on the way, or its client left."""
        call: Call | None = flow.metadata.get(_CALL)
        if call is not None and not call.settled:
            reason = flow.error.msg if flow.error else "connection closed"
            self._guard.call("watching.settle", self._settle, call, reason.rstrip(".")[:200])

    def _connect(self, flow: http.HTTPFlow) -> None:
        request = flow.request
        denied = self.identifying.connect(flow, read=self._reads(request.host, request.port))
        if denied is not None:
            flow.response = challenge(denied)

    def _deny(self, flow: http.HTTPFlow, denied: Denied) -> None:
        """Refuse a request because of who makes it: in the dialect's words where it is a call."""
        flow.metadata[_DENIED] = denied
        if flow.request.stream:  # too large to be read to its end, which an answer would wait for
            flow.kill()
            return
        match = self._guard.value("watching.recognise", self._recognise, flow)
        dialect = self._dialects.get(match.dialect) if match is not None else None
        if dialect is None:
            flow.response = challenge(denied)
        else:
            refusal = Refusal(
                status=401, code=f"midwatch_{denied.why}", message=denied.message, request_id=uuid7(time.time())
            )
            flow.response = bridge.response_of(dialect.refuse(refusal))

    def _recognise(self, flow: http.HTTPFlow) -> Match | None:
        method, path = flow.request.method, bridge.path_of(flow)
        listed = self.catalogue.match(bridge.host_of(flow), bridge.port_of(flow), method, path)
        return listed or self.catalogue.match_anywhere(method, path)

    def _open(self, flow: http.HTTPFlow, match: Match) -> None:
        began_s = self._clock.monotonic()
        dialect = self._dialects[match.dialect]
        target = bridge.target_of(flow, match)
        decoded = self._read(flow, target, dialect)
        if decoded.document is not None and not match.fits(decoded.document):
            return
        identity = self.identifying.identity(flow)
        if isinstance(identity, Denied):  # what was good at the head of the request is so no more
            self._deny(flow, identity)
            return
        at = self._clock.now()
        sealer = self._sealers.of(identity.tenant)
        flow.metadata[_CALL] = Call(
            Opening(
                id=uuid7(at.timestamp()),
                started_at=at,
                began_s=began_s,
                endpoint=bridge.endpoint_of(flow, match),
                identity=identity,
                dialect=dialect,
                decoded=sealer.hashed(decoded) if self.guarding.enforcer.may_act else decoded,
                traceparent=target.headers.get("traceparent"),
            )
        )
        self._metrics.add("midwatch_calls_total", labels=(match.provider, match.dialect))
        if self._journalist.refuses and not flow.request.stream:
            self._refuse(flow, dialect, flow.metadata[_CALL].id)

    def _guard_oversize(self, flow: http.HTTPFlow) -> None:
        self.request(flow)
        call: Call | None = flow.metadata.get(_CALL)
        acts = call is not None and self.guarding.enforcer.may_act
        guard = self.guarding.open(flow, call) if call is not None and acts else None
        if guard is not None:
            self.guarding.oversize(flow, guard)

    def _govern_answer(self, flow: http.HTTPFlow, call: Call) -> bool:
        guard: CallGuard | None = flow.metadata.get(GUARD)
        metered = self.governing.answer(flow, call, guard, settle=lambda: self._settle(call, None))
        if metered and guard is not None and flow.response is not None:
            self.guarding.label(flow.response, guard)
        return metered

    def _guard_answer(self, flow: http.HTTPFlow, call: Call) -> bool:
        """Whether the answer is edited or held on its way."""
        guard: CallGuard | None = flow.metadata.get(GUARD)
        if guard is None:
            return False
        return self.guarding.answer(flow, call, guard, settle=lambda: self._settle(call, None))

    async def _end_whole(self, flow: http.HTTPFlow, call: Call, guard: CallGuard) -> None:
        """Rule on an answer that was held, then journal what the client gets."""
        if REFUSED not in flow.metadata:
            await self.guarding.whole(flow, call, guard)
        elif flow.response is not None:
            # Refused at its head: mitmproxy has put the provider's body into our answer since.
            self.guarding.refuse(flow, call, flow.metadata[REFUSED])
        self._guard.call("watching.tap", self._take_whole, flow, call)
        if not call.settled:
            self._guard.call("watching.settle", self._settle, call, None)

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

    def _read(self, flow: http.HTTPFlow, target: Target, dialect: Dialect) -> DecodedRequest:
        body = flow.request.raw_content
        encoding = flow.request.headers.get("content-encoding", "")
        if body is None:  # it streamed on unread: what the target tells is all we know
            from dataclasses import replace

            decoded = decode_request(dialect, b"", target)
            return replace(decoded, request=replace(decoded.request, decode_error=OVERSIZE))
        return decode_request(dialect, body, target, encoding)

    def _respond(self, flow: http.HTTPFlow, call: Call) -> bool:
        call.respond(bridge.head_of(flow))
        if call.due:  # a body of no bytes: the head is all there is
            self._settle(call, None)
        return True

    def _tap(self, call: Call) -> Callable[[bytes], bytes]:
        """What mitmproxy calls with each chunk before it goes to the client, and with b"" at the end."""
        guard, take, settle = self._guard, self._take, self._settle

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
            self._settle(call, None)

    def _settle(self, call: Call, error: str | None) -> None:
        """Journal the call before the client can see its end: it may leave, and we may be killed, right after."""
        began = time.perf_counter()
        sealer = self._sealers.of(call.identity.tenant)
        exchange = call.settle(sealer, self._clock.monotonic(), error=error)
        if exchange is not None:
            if call.guard is not None:
                exchange = call.guard.on(exchange)
            exchange = self.governing.settled(call, exchange)
            self.guarding.count(exchange.action)
            self._journalist.write(exchange)
            self._metrics.observe("midwatch_settle_seconds", time.perf_counter() - began)
