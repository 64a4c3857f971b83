"""Guarding flows: what the core rules on bodies is done to mitmproxy's requests and answers. Beside `watching`."""

import time
from collections.abc import Awaitable, Callable

from mitmproxy import http

from midwatch.proxy import bridge
from midwatch.proxy.answering import RefusedAnswer, StreamedAnswer, cutter_of
from midwatch.proxy.signing import REASON, signs_body
from midwatch_core.call import Call
from midwatch_core.enforcement import CallGuard, Enforcer, Ruled
from midwatch_core.enforcement.outcome import NOT_INSPECTED
from midwatch_core.guarded import Guard, Outcome
from midwatch_core.metrics import Metrics
from midwatch_core.model.finding import Action
from midwatch_core.model.segment import Direction
from midwatch_core.scan_metrics import SECONDS as SCAN_SECONDS
from midwatch_core.sealing import Sealers
from midwatch_core.wire.binary import is_binary
from midwatch_core.wire.decoding import plain_body
from midwatch_core.wire.decompression import DecompressionError, decompressor_for
from midwatch_core.wire.dialect import Refusal

# mitmproxy's flow carries our state under these names.
GUARD = "midwatch_guard"
REFUSED = "midwatch_refused"


class Guarding:
    """One idea: where policy may act on a call, its request waits for the verdict and its answer passes the filters."""

    def __init__(self, enforcer: Enforcer, *, sealers: Sealers, guard: Guard, metrics: Metrics) -> None:
        self.enforcer = enforcer
        self._sealers = sealers
        self._guard = guard
        self._metrics = metrics

    def open(self, flow: http.HTTPFlow, call: Call) -> CallGuard | None:
        """Put a call under guard where policy may act on it."""
        opened = call.opened()
        made = self.enforcer.guard(opened, call.dialect, self._sealers.of(opened.identity.tenant).segments)
        if made is not None:
            flow.metadata[GUARD] = call.guard = made
        return made

    async def request(self, flow: http.HTTPFlow, call: Call, guard: CallGuard) -> None:
        """Rule on a request before it goes out: it passes, is redacted, or is answered by a refusal."""
        body, problem = plain_body(flow.request.raw_content or b"", flow.request.headers.get("content-encoding", ""))
        if problem:
            self._failed(flow, call, guard, Direction.REQUEST, problem)
            return
        outcome = await self._timed("request", self._guard.wait("guarding.request", guard.request, body))
        if not outcome.ok:
            self._failed(flow, call, guard, Direction.REQUEST, f"{type(outcome.error).__name__}: {outcome.error}")
            return
        ruled: Ruled = outcome.value
        if ruled.refusal is not None:
            self.refuse(flow, call, ruled.refusal)
        elif ruled.edited and signs_body(flow.request.headers):
            self.refuse(flow, call, guard.unsendable(REASON))
        elif ruled.edited:
            flow.request.headers.pop("content-encoding", None)
            flow.request.content = ruled.body

    def refuse(self, flow: http.HTTPFlow, call: Call, refusal: Refusal) -> None:
        """Answer in the provider's place, in its error shape."""
        flow.response = bridge.response_of(call.dialect.refuse(refusal))
        action = call.guard.record.action if call.guard is not None else Action.BLOCK
        flow.response.headers["x-midwatch-action"] = max(action, Action.CUT).name.lower()
        flow.metadata[REFUSED] = refusal

    def answer(self, flow: http.HTTPFlow, call: Call, guard: CallGuard, *, settle: Callable[[], None]) -> bool:
        """An answer begins: True where it is edited as it streams or held until its end, False where it just passes.

        `settle` journals the call; it is called before the last byte goes out.
        """
        response = flow.response
        assert response is not None
        if (overdue := guard.overdue()) is not None:
            self._refuse_begun(flow, call, guard, overdue)
            settle()
            return True
        self.label(response, guard)
        head = bridge.head_of(flow)
        if not guard.edits_answers or is_binary(head.content_type):  # sound and pictures have no texts to rule on
            return False
        cutter = cutter_of(call, head)
        if cutter is None:
            response.stream = False  # held, and ruled on in `response`
            return True
        try:
            decompressor = decompressor_for(head.content_encoding)
        except DecompressionError as error:
            self._failed(flow, call, guard, Direction.RESPONSE, str(error))
            return REFUSED in flow.metadata
        bridge.make_editable(response)
        call.respond(bridge.head_of(flow))
        response.stream = StreamedAnswer(
            flow, call, guard, cutter, decompressor, settle=settle, guarded=self._guard, metrics=self._metrics
        )
        return True

    def ended(self, flow: http.HTTPFlow) -> None:
        """An answer is at its end: one that had no bytes, and was refused at its head, gets ours."""
        response = flow.response
        if response is not None and isinstance(response.stream, RefusedAnswer) and (left := response.stream(b"")):
            response.raw_content = left[0]

    def _refuse_begun(self, flow: http.HTTPFlow, call: Call, guard: CallGuard, refusal: Refusal) -> None:
        """Refuse an answer of which nothing has gone out yet, and wait for no more of it than its first bytes."""
        self.refuse(flow, call, refusal)
        response = flow.response
        assert response is not None
        body = response.raw_content or b""
        call.respond(bridge.head_of(flow))
        call.feed(body, guard.now())
        response.stream = RefusedAnswer(flow, body)

    async def whole(self, flow: http.HTTPFlow, call: Call, guard: CallGuard) -> None:
        """Rule on an answer that was held."""
        response = flow.response
        assert response is not None
        encoding = response.headers.get("content-encoding", "")
        body, problem = plain_body(response.raw_content or b"", encoding)
        if problem:
            self._failed(flow, call, guard, Direction.RESPONSE, problem)
            return
        ruling = self._guard.wait("guarding.answer", guard.whole, body, response.status_code)
        outcome = await self._timed("answer", ruling)
        if not outcome.ok:
            self._failed(flow, call, guard, Direction.RESPONSE, f"{type(outcome.error).__name__}: {outcome.error}")
            return
        ruled: Ruled = outcome.value
        if ruled.refusal is not None:
            self.refuse(flow, call, ruled.refusal)
        elif ruled.edited:
            response.headers.pop("content-encoding", None)
            response.content = ruled.body
            self.label(response, guard)

    def oversize(self, flow: http.HTTPFlow, guard: CallGuard) -> None:
        """A request too large to be held: a line that lets nothing pass uninspected ends its connection.

        There is no answering it: mitmproxy would have to read all of it first.
        """
        if guard.failed(Direction.REQUEST, "oversize: passed unread").action is Action.BLOCK:
            self._metrics.add("midwatch_guard_failures_total", labels=("oversize",))
            flow.kill()

    def count(self, action: Action) -> None:
        """Count what was done about a call."""
        if action > Action.FLAG:
            self._metrics.add("midwatch_enforced_total", labels=(action.name.lower(),))

    def unable(self, guard: CallGuard, direction: Direction, reason: str) -> Refusal | None:
        """The guard could not do its work: what the lines say of a failure holds for it too."""
        where = "request" if direction is Direction.REQUEST else "answer"
        self._metrics.add("midwatch_guard_failures_total", labels=(where,))
        if guard.failed(direction, reason[:300]).action is not Action.BLOCK:
            return None
        message = f"Midwatch could not inspect this call, and is told to refuse it then. Request id: {guard.id}"
        return Refusal(status=403, code=NOT_INSPECTED, message=message, request_id=guard.id)

    async def _timed(self, where: str, ruling: Awaitable[Outcome]) -> Outcome:
        began = time.perf_counter()
        outcome = await ruling
        self._metrics.observe(SCAN_SECONDS, time.perf_counter() - began, (where,))
        return outcome

    def _failed(self, flow: http.HTTPFlow, call: Call, guard: CallGuard, direction: Direction, reason: str) -> None:
        refusal = self.unable(guard, direction, reason)
        if refusal is not None:
            self.refuse(flow, call, refusal)

    def label(self, response: http.Response, guard: CallGuard) -> None:
        """Say on the answer that we touched the call."""
        if guard.record.action > Action.FLAG:
            response.headers["x-midwatch-request-id"] = guard.id
            response.headers["x-midwatch-action"] = guard.record.action.name.lower()
