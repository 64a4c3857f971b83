"""The calls on a recorded WebSocket: as `proxy.conversing` reads them, without anything that acts on messages."""

from datetime import UTC, datetime

from mitmproxy import http
from mitmproxy.websocket import WebSocketData, WebSocketMessage

from midwatch.proxy import bridge
from midwatch.proxy.opening import Asked, opening_of
from midwatch.replay.stable_id import StableIds
from midwatch_core.call import Call, ResponseHead
from midwatch_core.model.exchange import Exchange, Transport
from midwatch_core.model.identity import Identity
from midwatch_core.sealing import Sealer
from midwatch_core.wire.catalogue import Match
from midwatch_core.wire.decoding import DecodedRequest
from midwatch_core.wire.socket import MESSAGES, SocketDialect

_HEAD = ResponseHead(status=101, content_type=MESSAGES)


class SocketCalls:
    """One socket. Its messages have their own times, which are those of its calls."""

    def __init__(
        self,
        flow: http.HTTPFlow,
        match: Match,
        dialect: SocketDialect,
        identity: Identity,
        ids: StableIds,
        sealer: Sealer,
        *,
        own_sessions: tuple[str, ...] = (),
    ) -> None:
        self._flow = flow
        self._match = match
        self._dialect = dialect
        self._identity = identity
        self._ids = ids
        self._sealer = sealer
        self._own_sessions = own_sessions
        self._target = bridge.target_of(flow, match)
        self._reader = dialect.socket_reader(self._target)
        self._open: dict[int, Call] = {}
        self._begun = 0
        self._ended: list[Exchange] = []

    def read(self, socket: WebSocketData) -> list[Exchange]:
        """The calls, in the order in which they ended."""
        at_s = 0.0
        for message in socket.messages:
            at_s = message.timestamp
            # Some servers take JSON in binary messages too; sound is not read.
            if not message.dropped and (message.is_text or message.content[:1] == b"{"):
                self._take(message)
        reason = f"{'client disconnected' if socket.closed_by_client else 'the provider closed the socket'}"
        for number in list(self._open):
            self._settle(number, at_s, error=f"{reason} ({socket.close_code})" if socket.close_code else reason)
        return self._ended

    def _take(self, message: WebSocketMessage) -> None:
        if message.from_client:
            begins = self._reader.sent(message.content).begins
            if begins is not None:
                self._begin(self._begun, begins, message.timestamp)
                self._begun += 1
            return
        heard = self._reader.received(message.content)
        if heard.call is None:
            return
        if heard.begins is not None:
            self._begun = max(self._begun, heard.call + 1)
            self._begin(heard.call, heard.begins, message.timestamp)
        self._answer(heard.call, message)

    def _begin(self, number: int, decoded: DecodedRequest, at_s: float) -> None:
        if not self._match.fits(decoded.document):
            return
        asked = Asked(match=self._match, dialect=self._dialect, target=self._target, decoded=decoded)
        self._open[number] = Call(
            opening_of(
                self._flow,
                asked,
                self._identity,
                at=datetime.fromtimestamp(at_s, UTC),
                began_s=at_s,
                own_sessions=self._own_sessions,
                transport=Transport.WEBSOCKET,
                call_id=self._ids.id(number, at_s),
            )
        )

    def _answer(self, number: int, message: WebSocketMessage) -> None:
        call = self._open.get(number)
        if call is None:
            return
        if not call.answered:
            call.respond(_HEAD)
        call.feed(message.content, message.timestamp)
        if call.due:
            self._settle(number, message.timestamp)

    def _settle(self, number: int, at_s: float, *, error: str | None = None) -> None:
        exchange = self._open.pop(number).settle(self._sealer, at_s, error=error)
        if exchange is not None:
            self._ended.append(exchange)
