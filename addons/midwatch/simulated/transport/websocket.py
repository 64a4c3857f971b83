"""One WebSocket to the simulated providers (RFC 6455): frames in and out, over what HTTP/1.1 began."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from midwatch.simulated.call import Headers
from midwatch.simulated.script import Script
from midwatch.simulated.service import Order, RawRequest
from midwatch.simulated.transport.closing import abort_when_sent
from midwatch.simulated.transport.delivery import deliver
from midwatch.simulated.transport.handshake import accept_socket
from midwatch.simulated.transport.socket_session import EchoSession, Reply, Session

_MAX_MESSAGE = 64 << 20
_TOO_BIG, _NO_TEXT = 1009, 1003


class WebSocketConnection(asyncio.Protocol):
    """Answers the handshake, then speaks as its session does."""

    def __init__(self, raw: RawRequest, session: Session) -> None:
        self._raw = raw
        self._session = session
        self._transport: asyncio.Transport
        self._http: asyncio.Protocol
        self._frames: Connection
        self._parts: list[bytes] = []
        self._size = 0
        self._lanes: dict[str, asyncio.Queue[Order]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.room = asyncio.Event()
        self.room.set()

    def begin(self, transport: asyncio.Transport, http: asyncio.Protocol, ahead: bytes) -> None:
        """Take a connection over from `http`; `ahead` is what came behind the handshake."""
        self._transport, self._http = transport, http
        head, deflate = accept_socket(self._raw)
        self._frames = Connection(ConnectionType.SERVER, [deflate] if deflate else [])
        self._transport.set_protocol(self)
        self._transport.write(head)
        for message in self._session.greeting():
            self.send(message)
        if ahead:
            self.data_received(ahead)

    def data_received(self, data: bytes) -> None:
        """Frames from the client."""
        try:
            self._frames.receive_data(data)
            for event in self._frames.events():
                self._handle(event)
        except RemoteProtocolError:
            self._transport.abort()

    def pause_writing(self) -> None:
        """The socket is full."""
        self.room.clear()

    def resume_writing(self) -> None:
        """The socket takes more."""
        self.room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or we closed."""
        for task in self._tasks:
            task.cancel()
        self._http.connection_lost(exc)

    def send(self, message: bytes, *, fragment: int = 0, finished: bool = True) -> None:
        """Send a text message, whole or in frames of so many bytes; `finished=False` leaves it without its end."""
        text = message.decode("utf-8", "replace")
        size = fragment or max(len(text), 1)
        pieces = [text[start : start + size] for start in range(0, len(text), size)] or [""]
        for number, piece in enumerate(pieces, 1):
            last = finished and number == len(pieces)
            self._write(TextMessage(data=piece, message_finished=last))

    async def die(self) -> None:
        """Close without a word, after what was written is out."""
        await abort_when_sent(self._transport)

    def _handle(self, event: object) -> None:
        if isinstance(event, TextMessage | BytesMessage):
            self._gather(event)
        elif isinstance(event, Ping):
            self._write(event.response())
        elif isinstance(event, CloseConnection):
            self._write(event.response())
            self._transport.close()

    def _gather(self, event: TextMessage | BytesMessage) -> None:
        data = event.data.encode() if isinstance(event, TextMessage) else bytes(event.data)
        self._parts.append(data)
        self._size += len(data)
        if self._size > _MAX_MESSAGE:
            self._write(CloseConnection(code=_TOO_BIG))
            self._transport.close()
            return
        if not event.message_finished:
            return
        message = b"".join(self._parts)
        self._parts, self._size = [], 0
        if isinstance(event, BytesMessage):
            self._write(BytesMessage(data=message) if isinstance(self._session, EchoSession) else _unwanted())
            return
        for reply in self._session.receive(message):
            if isinstance(reply, bytes):
                self.send(reply)
            else:
                self._queue(reply)

    def _queue(self, reply: Reply) -> None:
        queue = self._lanes.get(reply.lane)
        if queue is None:
            queue = self._lanes[reply.lane] = asyncio.Queue()
            task = asyncio.get_running_loop().create_task(self._deliver(reply.lane, queue))
            self._tasks.add(task)
            task.add_done_callback(self._delivered)
        queue.put_nowait(reply.order)

    async def _deliver(self, lane: str, queue: asyncio.Queue[Order]) -> None:
        """Answers of one lane, until none is left."""
        while not queue.empty():
            order = queue.get_nowait()
            try:
                await deliver(replace(order, script=_for_messages(order.script)), MessageOutlet(self, order))
            finally:
                order.progress.ended = order.progress.ended or "left"
        del self._lanes[lane]

    def _delivered(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failed := task.exception()) is not None:
            self._transport.abort()
            raise failed

    def _write(self, event: TextMessage | BytesMessage | CloseConnection | Pong) -> None:
        if self._transport.is_closing():
            return
        with suppress(LocalProtocolError):  # the client closed in the meantime
            self._transport.write(self._frames.send(event))


class MessageOutlet:
    """One answer's place on a WebSocket: each event is a message."""

    def __init__(self, connection: WebSocketConnection, order: Order) -> None:
        self._connection = connection
        self._fragment = order.script.split

    @property
    def blocked(self) -> bool:
        """Whether the peer takes no more for now."""
        return not self._connection.room.is_set()

    def start(self, status: int, headers: Headers, length: int | None, framing: str) -> None:
        """Nothing: a message has no head."""

    def send(self, data: bytes) -> None:
        """Send messages, each ended by a line feed."""
        for message in data.splitlines():
            self._connection.send(message, fragment=self._fragment)

    def finish(self) -> None:
        """Nothing: the last event says that it is."""

    async def unblocked(self) -> None:
        """Wait until the peer takes more."""
        await self._connection.room.wait()

    async def die(self) -> None:
        """Close the connection; where messages go out in fragments, in the middle of one."""
        if self._fragment:
            self._connection.send(b'{"type":"response.output_text.delta","del', finished=False)
        await self._connection.die()


def _for_messages(script: Script) -> Script:
    """Without what is HTTP's alone. `split` is the outlet's: it sends frames of so many characters."""
    return replace(script, split=0, encoding="", framing="auto")


def _unwanted() -> CloseConnection:
    """What these protocols say to a binary message."""
    return CloseConnection(code=_NO_TEXT, reason="binary messages are not supported")
