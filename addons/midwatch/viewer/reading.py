"""A flow's bodies and messages read anew, by the decoders that read them as they passed; it may come from a file."""

from mitmproxy import http
from mitmproxy.websocket import WebSocketMessage

from midwatch.proxy import bridge
from midwatch.proxy.opening import Asked, asked_of
from midwatch.proxy.recognising import Recognising
from midwatch.viewer.telling import request_text, response_text
from midwatch_core.model.content import Response
from midwatch_core.wire.catalogue import Match
from midwatch_core.wire.socket import MESSAGES, SocketDialect
from midwatch_core.wire.streaming import ResponseDecoder

# Nobody reads more of it in a window, and reading it would hold up the proxy.
_MOST_BYTES = 32 * 1024 * 1024
_SWITCHING = 101


class Reading:
    """One idea: what the catalogue takes for a call is told as a conversation; of all else, None."""

    def __init__(self, recognising: Recognising) -> None:
        self._recognising = recognising

    def asked(self, flow: http.HTTPFlow) -> Asked | None:
        """The call that a flow's request is, WebSockets apart."""
        match = self._recognising.match(flow)
        if match is None or match.socket or len(flow.request.raw_content or b"") > _MOST_BYTES:
            return None
        return asked_of(flow, match, self._recognising.dialects[match.dialect], unread="it was not kept")

    def request(self, flow: http.HTTPFlow) -> str | None:
        """What a flow's client asked."""
        asked = self.asked(flow)
        return request_text(bridge.endpoint_of(flow, asked.match), asked.decoded.request) if asked else None

    def response(self, flow: http.HTTPFlow) -> str | None:
        """What it was answered."""
        asked = self.asked(flow)
        body = flow.response.raw_content if flow.response is not None else None
        if asked is None or body is None or len(body) > _MOST_BYTES:
            return None
        head = bridge.head_of(flow)
        decoder = ResponseDecoder(
            asked.dialect,
            status=head.status,
            content_type=head.content_type,
            content_encoding=head.content_encoding,
            asked_to_stream=asked.decoded.request.stream,
            headers=head.headers,
        )
        decoder.feed(body)
        return response_text(decoder.finish().response)

    def message(self, flow: http.HTTPFlow, message: WebSocketMessage, *, pieces: bool = True) -> str | None:
        """What one WebSocket message says by itself; None where it says nothing, or is a piece that is not wanted."""
        content = message.content
        match = self._recognising.match(flow)
        dialect = self._recognising.dialects[match.dialect] if match is not None and match.socket else None
        if match is None or not isinstance(dialect, SocketDialect) or len(content) > _MOST_BYTES:
            return None
        if message.from_client:
            return _said(flow, match, dialect, content)
        response = _heard(dialect, content)
        is_end = bool(response.finish_reason or response.error)
        told = is_end or (pieces and bool(response.segments or response.usage or response.audio_bytes))
        return response_text(response, in_full=False) if told else None


def _said(flow: http.HTTPFlow, match: Match, dialect: SocketDialect, content: bytes) -> str | None:
    said = dialect.socket_reader(bridge.target_of(flow, match)).sent(content)
    decoded = said.own or said.begins
    return request_text(bridge.endpoint_of(flow, match), decoded.request) if decoded is not None else None


def _heard(dialect: SocketDialect, content: bytes) -> Response:
    decoder = ResponseDecoder(
        dialect, status=_SWITCHING, content_type=MESSAGES, content_encoding="", asked_to_stream=True
    )
    decoder.feed(content)
    return decoder.finish(in_order=False).response
