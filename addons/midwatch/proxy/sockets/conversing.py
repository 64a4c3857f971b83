"""One WebSocket to a model: its messages become calls, each with its answer and its own record. Beside `sockets`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.websocket import WebSocketMessage

from midwatch.lean.in_flight import IDLE
from midwatch.lean.socket_asides import say
from midwatch.proxy import bridge
from midwatch.proxy.admission.admitting import refusal_of
from midwatch.proxy.admission.identifying import Identifying
from midwatch.proxy.governing.metering import Unguarded
from midwatch.proxy.journaling import JOURNAL_FULL
from midwatch.proxy.opening import Asked, opening_of
from midwatch.proxy.settling import Settling
from midwatch.proxy.sockets.answer import SocketAnswer
from midwatch.proxy.sockets.ruling import SocketRuling
from midwatch_core.access.shown import Denied
from midwatch_core.call import Call, ResponseHead
from midwatch_core.clock import Clock
from midwatch_core.guarded import Guard
from midwatch_core.metrics import Metrics
from midwatch_core.model.exchange import Transport
from midwatch_core.model.identity import Identity
from midwatch_core.sealing import Sealers
from midwatch_core.wire.catalogue import Match
from midwatch_core.wire.decoding import DecodedRequest
from midwatch_core.wire.refusal import Refusal
from midwatch_core.wire.socket import Heard, Said, SocketDialect

# Far more than a server has under way; of more, the oldest is given up.
_MOST_OPEN = 1024
_MOST_CUT = 4096


def _untold(_: http.HTTPFlow, __: Identity) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all sockets of a worker share. Of messages above `max_bytes` policy is not asked.

    `called` is told of each call, and whose it is.
    """

    settling: Settling
    identifying: Identifying
    sealers: Sealers
    clock: Clock
    metrics: Metrics
    guard: Guard
    max_bytes: int
    called: Callable[[http.HTTPFlow, Identity], None] = _untold


class Conversation:
    """One idea: a message is read, ruled on where anything may act on it, and put on record with its call.

    `take` may change or drop the message, and gives what has to be waited for before it goes on.
    """

    def __init__(self, flow: http.HTTPFlow, match: Match, dialect: SocketDialect, shared: Shared) -> None:
        self._flow = flow
        self._match = match
        self._dialect = dialect
        self._shared = shared
        self._target = bridge.target_of(flow, match)
        self._reader = dialect.socket_reader(self._target)
        self._ruling = SocketRuling(
            dialect, shared.settling, sealers=shared.sealers, guard=shared.guard, max_bytes=shared.max_bytes
        )
        self._answers: dict[int, SocketAnswer] = {}
        # Calls that were cut: what else comes of their answers goes nowhere.
        self._cut: dict[int, None] = {}
        self._begun = 0
        self._closed: str | None = None
        flow.metadata[IDLE] = True

    def take(self, message: WebSocketMessage) -> Awaitable[None] | None:
        """The next message of either side. A binary one is read too where it may be JSON: some servers take it."""
        if not message.is_text and message.content[:1] != b"{":
            return None
        if message.from_client:
            return self._said(message, self._reader.sent(message.content))
        return self._heard(message, self._reader.received(message.content))

    def close(self, reason: str) -> None:
        """The socket is gone: its open calls end as they are, and so does one that is still being ruled on."""
        self._closed = reason
        while self._answers:
            _, answer = self._answers.popitem()
            self._settle(answer.call, reason)
        self._flow.metadata[IDLE] = True

    def _said(self, message: WebSocketMessage, said: Said) -> Awaitable[None] | None:
        if said.own is None and said.begins is None:
            return None
        number = self._begun
        self._begun += said.begins is not None
        identity = self._shared.identifying.identity(self._flow)
        if isinstance(identity, Denied):  # what was good at the handshake is so no more
            self._refuse(message, refusal_of(identity), None)
            return None
        call = self._open(said.begins, identity)
        if call is not None and self._shared.settling.journalist.refuses:
            self._refuse(message, self._journal_full(call), call)
        elif self._ruling.needed:
            own = call if said.own is said.begins else self._open(said.own, identity)
            return self._wait(message, own, call, number)
        elif call is not None:
            self._start(number, call)
        return None

    async def _wait(self, message: WebSocketMessage, own: Call | None, call: Call | None, number: int) -> None:
        turned = await self._ruling.message(message, own, call)
        if turned is not None:
            self._refuse(message, *turned)
        elif call is not None:
            self._start(number, call)

    def _heard(self, message: WebSocketMessage, heard: Heard) -> Awaitable[None] | None:
        if heard.call is None:
            return None
        if heard.begins is not None:
            self._begun = max(self._begun, heard.call + 1)
            identity = self._shared.identifying.identity(self._flow)
            if isinstance(identity, Denied):
                self._turn_away(message, refusal_of(identity), heard.call, None)
                return None
            call = self._open(heard.begins, identity)
            if call is not None and self._ruling.needed:
                return self._wait_for_begun(message, call, heard.call)
            if call is not None:
                self._start(heard.call, call)
        self._answer(message, heard.call)
        return None

    async def _wait_for_begun(self, message: WebSocketMessage, call: Call, number: int) -> None:
        refusal = await self._ruling.begun(call, message)
        if refusal is None:
            self._start(number, call)
            self._answer(message, number)
        else:
            self._turn_away(message, refusal, number, call)

    def _open(self, decoded: DecodedRequest | None, identity: Identity) -> Call | None:
        """The call with this request; None where there is none, or where it is no call by its shape."""
        if decoded is None or not self._match.fits(decoded.document):
            return None
        if self._shared.settling.guarding.enforcer.may_act:
            decoded = self._shared.sealers.of(identity.tenant).hashed(decoded)
        asked = Asked(match=self._match, dialect=self._dialect, target=self._target, decoded=decoded)
        return Call(
            opening_of(
                self._flow,
                asked,
                identity,
                at=self._shared.clock.now(),
                began_s=self._shared.clock.monotonic(),
                own_sessions=self._shared.identifying.session_headers,
                transport=Transport.WEBSOCKET,
            )
        )

    def _start(self, number: int, call: Call) -> None:
        """The call goes out: what answers it is its own."""
        self._count(call)
        if self._closed is not None:
            self._settle(call, self._closed)
            return
        self._flow.metadata[IDLE] = False
        if len(self._answers) >= _MOST_OPEN:
            oldest = next(iter(self._answers))
            self._settle(self._answers.pop(oldest).call, f"more than {_MOST_OPEN} calls are open on the socket")
        meter = self._shared.settling.governing.meter(call)
        edits = call.guard is not None and call.guard.edits_answers
        rules = call.guard if edits else Unguarded(self._shared.clock) if meter is not None else None
        self._answers[number] = SocketAnswer(
            call, self._dialect, rules, meter, guard=self._shared.guard, metrics=self._shared.metrics
        )

    def _answer(self, message: WebSocketMessage, number: int) -> None:
        """A message of a call's answer: recorded, and with the last one journalled, before it goes out."""
        answer = self._answers.get(number)
        if answer is None:
            if number in self._cut:
                message.drop()
            return
        self._pass_on(message, answer(message.content, self._shared.clock.monotonic()))
        if answer.cut:
            self._give_up(number)
        if answer.cut or answer.call.due:
            del self._answers[number]
            self._flow.metadata[IDLE] = not self._answers
            self._settle(answer.call)

    def _pass_on(self, message: WebSocketMessage, out: list[bytes]) -> None:
        """The last of them in the message's place, the others before it."""
        for aside in out[:-1]:
            say(self._flow, aside, to_client=True)
        if not out:
            message.drop()
        elif out[-1] != message.content:
            message.content = out[-1]

    def _refuse(self, message: WebSocketMessage, refusal: Refusal, call: Call | None) -> None:
        """Answer a client's message in the provider's place; the call is journalled with that answer."""
        self._reader.refused()
        self._answer_ourselves(message, refusal, call)

    def _turn_away(self, message: WebSocketMessage, refusal: Refusal, number: int, call: Call | None) -> None:
        """End a call that the server has begun."""
        self._give_up(number)
        self._answer_ourselves(message, refusal, call)

    def _answer_ourselves(self, message: WebSocketMessage, refusal: Refusal, call: Call | None) -> None:
        message.drop()
        for item in self._dialect.refuse_on_socket(refusal):
            say(self._flow, item, to_client=True)
        if call is not None:
            self._count(call)
            answer = self._dialect.refuse(refusal)
            call.respond(ResponseHead(status=answer.status, content_type=dict(answer.headers).get("content-type", "")))
            call.feed(answer.body, self._shared.clock.monotonic())
            self._settle(call)

    def _give_up(self, number: int) -> None:
        """Nothing more of this answer is wanted: the server is told, where the protocol has a word for it."""
        if len(self._cut) >= _MOST_CUT:
            del self._cut[next(iter(self._cut))]
        self._cut[number] = None
        cancel = self._reader.cancel(number)
        if cancel is not None:
            say(self._flow, cancel, to_client=False)

    def _count(self, call: Call) -> None:
        self._shared.settling.begun(self._flow, call)
        self._shared.metrics.add("midwatch_calls_total", labels=(self._match.provider, self._match.dialect))
        self._shared.guard.value("inventory.call", self._shared.called, self._flow, call.identity)

    def _journal_full(self, call: Call) -> Refusal:
        self._shared.metrics.add("midwatch_journal_refused_total")
        return Refusal(status=503, code="journal_full", message=JOURNAL_FULL, request_id=call.id)

    def _settle(self, call: Call, error: str | None = None) -> None:
        self._shared.guard.call("watching.settle", self._shared.settling.settle, call, error)
