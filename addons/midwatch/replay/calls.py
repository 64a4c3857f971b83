"""The LLM calls in a recorded flow, read by the catalogue and the decoders that read flows as they pass."""

from datetime import UTC, datetime

from mitmproxy import http

from midwatch.proxy import bridge
from midwatch.proxy.opening import asked_of, opening_of
from midwatch.proxy.recognising import Recognising
from midwatch.replay.socket_calls import SocketCalls
from midwatch.replay.stable_id import StableIds
from midwatch.replay.whose import Whose
from midwatch_core.call import Call
from midwatch_core.model.changing import changed
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity
from midwatch_core.model.timing import Timing
from midwatch_core.sealing import Sealers
from midwatch_core.wire.catalogue import Match
from midwatch_core.wire.socket import SocketDialect

NO_REQUEST = "the recording has no body of the request"
NO_ANSWER = "the recording has no body of the answer"


class CallReader:
    """Reads flows one by one. `own_sessions` are configured headers that name a conversation."""

    def __init__(
        self, recognising: Recognising, whose: Whose, sealers: Sealers, *, own_sessions: tuple[str, ...] = ()
    ) -> None:
        self._recognising = recognising
        self._whose = whose
        self._sealers = sealers
        self._own_sessions = own_sessions

    def calls(self, flow: http.HTTPFlow) -> list[Exchange]:
        """The calls of a flow: none where it is no LLM call, many where it is a socket. Raises ValueError."""
        match = self._recognising.match(flow)
        if match is None:
            return []
        identity = self._whose.of(flow)
        ids = StableIds(flow, identity.tenant)
        if match.socket:
            return self._on_socket(flow, match, identity, ids)
        exchange = self._call(flow, match, identity, ids)
        return [] if exchange is None else [exchange]

    def _on_socket(self, flow: http.HTTPFlow, match: Match, identity: Identity, ids: StableIds) -> list[Exchange]:
        dialect = self._recognising.dialects[match.dialect]
        if flow.websocket is None or not isinstance(dialect, SocketDialect):
            return []
        sealer = self._sealers.of(identity.tenant)
        calls = SocketCalls(flow, match, dialect, identity, ids, sealer, own_sessions=self._own_sessions)
        return calls.read(flow.websocket)

    def _call(self, flow: http.HTTPFlow, match: Match, identity: Identity, ids: StableIds) -> Exchange | None:
        asked = asked_of(flow, match, self._recognising.dialects[match.dialect], unread=NO_REQUEST)
        if asked is None:
            return None
        asked_s = _asked_s(flow)
        at = datetime.fromtimestamp(asked_s, UTC)
        call_id = ids.id(0, asked_s)
        own = self._own_sessions
        call = Call(opening_of(flow, asked, identity, at=at, began_s=asked_s, own_sessions=own, call_id=call_id))
        exchange = self._answered(call, flow)
        return None if match.listens and not _said_something(exchange) else exchange

    def _answered(self, call: Call, flow: http.HTTPFlow) -> Exchange:
        response = flow.response
        if response is not None:
            call.respond(bridge.head_of(flow))
            call.feed(response.raw_content or b"", 0.0)
        reason = flow.error.msg.rstrip(".")[:200] if flow.error else None
        exchange = call.settle(self._sealers.of(call.identity.tenant), 0.0, error=reason)
        assert exchange is not None
        if response is not None and response.raw_content is None and exchange.response is not None:
            exchange = changed(exchange, response=changed(exchange.response, decode_error=NO_ANSWER))
        return changed(exchange, timing=_timing(flow, streamed=exchange.streamed))


def _said_something(exchange: Exchange) -> bool:
    return exchange.response is not None and bool(exchange.response.segments)


def _asked_s(flow: http.HTTPFlow) -> float:
    """When the whole request was there, as far as the recording tells."""
    return flow.request.timestamp_end or flow.request.timestamp_start


def _timing(flow: http.HTTPFlow, *, streamed: bool) -> Timing:
    """Recordings have no times of chunks: when a stream's first token came is not known, nor the gaps."""
    response = flow.response
    if response is None or not response.timestamp_start:
        return Timing()
    asked_s, ended_s = _asked_s(flow), response.timestamp_end
    return Timing(
        ttft_ms=None if streamed else _ms(asked_s, response.timestamp_start),
        duration_ms=_ms(asked_s, ended_s) if ended_s else None,
    )


def _ms(from_s: float, to_s: float) -> float:
    return round(max(0.0, to_s - from_s) * 1000, 3)
