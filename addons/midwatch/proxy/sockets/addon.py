"""The addon for WebSockets: those to a model are read like any call, the others pass unread. After `watching`."""

from collections.abc import Awaitable

from mitmproxy import connection, http
from mitmproxy.websocket import WebSocketMessage

from midwatch.lean.socket_asides import is_aside
from midwatch.proxy.recognising import Recognising
from midwatch.proxy.sockets.conversing import Conversation, Shared
from midwatch_core.wire.catalogue import Match
from midwatch_core.wire.socket import SocketDialect


class Sockets:
    """One idea: a flow that becomes a WebSocket to a model is a conversation, and hears of its messages and its end.

    Every hook goes through the guard: an error of ours is counted and named, and the messages go on as they are.
    """

    name = "midwatch_sockets"

    def __init__(self, recognising: Recognising, shared: Shared) -> None:
        self._recognising = recognising
        self._shared = shared
        # By the client's connection: a WebSocket has it to itself.
        self._open: dict[str, Conversation] = {}
        self._most_messages, self._most_bytes = 1, 0

    def keep(self, most_messages: int, most_bytes: int) -> None:
        """Leave the last messages of a model's socket in its flow, for somebody who looks. By default, one."""
        self._most_messages, self._most_bytes = most_messages, most_bytes

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A WebSocket is asked for: where its calls may not go unrecorded and could not be kept, there is none."""
        full = self._shared.settling.journalist.refuses
        if full and flow.killable and self._shared.guard.value("watching.recognise", self._match, flow) is not None:
            self._shared.metrics.add("midwatch_journal_refused_total")
            flow.kill()  # an answer of ours would be final, see `admitting`

    def websocket_start(self, flow: http.HTTPFlow) -> None:
        """A WebSocket begins."""
        self._shared.guard.call("watching.socket", self._begin, flow)

    def websocket_message(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """A message: read, counted, and where anything may act on it waited for."""
        assert flow.websocket is not None
        messages = flow.websocket.messages
        conversation = self._open.get(flow.client_conn.id)
        self._forget(messages, self._most_messages if conversation is not None else 1)
        if conversation is None or is_aside(flow, messages[-1]):
            return None
        sender = "client" if messages[-1].from_client else "server"
        self._shared.metrics.add("midwatch_socket_messages_total", labels=(sender,))
        rest = self._shared.guard.value("watching.socket", conversation.take, messages[-1])
        return None if rest is None else self._wait(rest)

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        """It is closed, in order or not."""
        code = flow.websocket.close_code if flow.websocket is not None else None
        by_client = flow.websocket is not None and flow.websocket.closed_by_client
        reason = f"{'client disconnected' if by_client else 'the provider closed the socket'} ({code})"
        self._end(flow.client_conn.id, reason)

    def error(self, flow: http.HTTPFlow) -> None:
        """It broke."""
        self._end(flow.client_conn.id, flow.error.msg.rstrip(".")[:200] if flow.error else "connection closed")

    def client_disconnected(self, client: connection.Client) -> None:
        """Nothing of a connection outlives it, whatever hooks were missed."""
        self._end(client.id, "client disconnected")

    def done(self) -> None:
        """The proxy ends with sockets open: what is known of their calls is kept."""
        for conversation in self._open.values():
            self._shared.guard.call("watching.settle", conversation.close, "the proxy ended")
        self._open.clear()

    def _forget(self, messages: list[WebSocketMessage], most: int) -> None:
        """Mitmproxy keeps them all for as long as the socket lives (#6620)."""
        del messages[:-most]
        if most > 1:
            size = sum(len(message.content) for message in messages)
            while len(messages) > 1 and size > self._most_bytes:
                size -= len(messages.pop(0).content)

    async def _wait(self, rest: Awaitable[None]) -> None:
        await self._shared.guard.wait("watching.socket", lambda: rest)

    def _match(self, flow: http.HTTPFlow) -> Match | None:
        match = self._recognising.match(flow)
        return match if match is not None and match.socket else None

    def _begin(self, flow: http.HTTPFlow) -> None:
        match = self._match(flow)
        dialect = self._recognising.dialects[match.dialect] if match is not None else None
        if match is not None and isinstance(dialect, SocketDialect):
            self._open[flow.client_conn.id] = Conversation(flow, match, dialect, self._shared)
            self._shared.metrics.set("midwatch_sockets_open", len(self._open))

    def _end(self, client_id: str, reason: str) -> None:
        conversation = self._open.pop(client_id, None)
        if conversation is not None:
            self._shared.guard.call("watching.settle", conversation.close, reason)
            self._shared.metrics.set("midwatch_sockets_open", len(self._open))
