"""One HTTP/2 connection to the simulated providers: many requests at once, flow control in both directions."""

from __future__ import annotations

import asyncio
from typing import cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from midwatch.simulated.call import Headers
from midwatch.simulated.service import Order, RawRequest, Service
from midwatch.simulated.transport.closing import abort_when_sent
from midwatch.simulated.transport.delivery import deliver, deliver_now, immediate

_WINDOW = 16 << 20
_HIGH_WATER = 256 << 10


class Http2Connection(asyncio.Protocol):
    """Feeds h2, gathers requests, gives each an outlet of its own."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._transport: asyncio.Transport
        self._streams: dict[int, Http2Stream] = {}
        self._room = asyncio.Event()
        self._room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected and chose h2."""
        self._transport = cast(asyncio.Transport, transport)
        self._h2.initiate_connection()
        self._h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW})
        self._h2.increment_flow_control_window(_WINDOW)
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Frames from the client."""
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self.flush()
            self._transport.close()
            return
        for event in events:
            self._handle(event)
        self.flush()

    def pause_writing(self) -> None:
        """The socket is full."""
        self._room.clear()

    def resume_writing(self) -> None:
        """The socket takes more: streams that waited go on."""
        self._room.set()
        self.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or we closed."""
        for stream in list(self._streams.values()):
            stream.cancel()
        self._streams.clear()

    @property
    def full(self) -> bool:
        """Whether the socket takes no more for now."""
        return not self._room.is_set()

    def flush(self) -> None:
        """Write what h2 has to say."""
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def pump(self) -> None:
        """Let every stream send what its window allows."""
        for stream in list(self._streams.values()):
            stream.pump()
        self.flush()

    def close_stream(self, stream_id: int) -> None:
        """Forget a stream that is over."""
        self._streams.pop(stream_id, None)

    async def die(self) -> None:
        """Close the connection without ending any stream, after what was written is out (at most a second later)."""
        self.flush()
        await abort_when_sent(self._transport)

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            headers = tuple((str(name), str(value)) for name, value in event.headers or ())
            self._streams[event.stream_id] = Http2Stream(self, self._h2, event.stream_id, headers)
        elif isinstance(event, h2.events.DataReceived):
            self._take_data(event)
        elif isinstance(event, h2.events.StreamEnded):
            if stream := self._streams.get(event.stream_id):
                stream.begin(self._service)
        elif isinstance(event, h2.events.StreamReset):
            if stream := self._streams.pop(event.stream_id, None):
                stream.cancel()
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            self.pump()
        elif isinstance(event, h2.events.ConnectionTerminated):
            self._transport.close()

    def _take_data(self, event: h2.events.DataReceived) -> None:
        if stream := self._streams.get(event.stream_id):
            stream.body += event.data
        self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)


class Http2Stream:
    """One request and the outlet of its answer."""

    def __init__(
        self,
        connection: Http2Connection,
        engine: h2.connection.H2Connection,
        stream_id: int,
        headers: tuple[tuple[str, str], ...],
    ) -> None:
        self.body = bytearray()
        self.blocked = False
        self._connection = connection
        self._h2 = engine
        self._id = stream_id
        self._headers = headers
        self._order: Order | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting = bytearray()
        self._ending = False
        self._bodiless = False
        self._room = asyncio.Event()

    def begin(self, service: Service) -> None:
        """The request is complete: answer it."""
        order = self._order = service.order(self._raw())
        if immediate(order):
            deliver_now(order, self)
            return
        self._task = asyncio.get_running_loop().create_task(deliver(order, self))
        self._task.add_done_callback(_surface)

    def cancel(self) -> None:
        """The client wants no more of it."""
        if self._order and not self._order.progress.ended:
            self._order.progress.ended = "left"
        if self._task is not None:
            self._task.cancel()

    def _raw(self) -> RawRequest:
        fields = dict(self._headers)
        self._bodiless = fields.get(":method") == "HEAD"
        return RawRequest(
            http_version="HTTP/2",
            method=fields.get(":method", ""),
            target=fields.get(":path", ""),
            authority=fields.get(":authority") or fields.get("host", ""),
            headers=self._headers,
            fields=fields,
            body=bytes(self.body),
        )

    def start(self, status: int, headers: Headers, length: int | None, framing: str) -> None:
        """Send the head."""
        fields = [(":status", str(status)), *headers]
        if length is not None:
            fields.append(("content-length", str(length)))
        self._h2.send_headers(self._id, fields)

    def send(self, data: bytes) -> None:
        """Send a piece, as far as the windows allow."""
        if not self._bodiless:
            self._waiting += data
        self.pump()
        self._connection.flush()

    def finish(self) -> None:
        """End the stream, once everything is out."""
        self._ending = True
        self.pump()
        self._connection.flush()

    def pump(self) -> None:
        """Send what waits, as far as windows and socket allow."""
        while self._waiting and not self._connection.full:
            size = min(
                self._h2.local_flow_control_window(self._id), self._h2.max_outbound_frame_size, len(self._waiting)
            )
            if size <= 0:
                break
            self._h2.send_data(self._id, bytes(self._waiting[:size]))
            del self._waiting[:size]
        if self._ending and not self._waiting:
            self._ending = False
            self._h2.end_stream(self._id)
            self._connection.close_stream(self._id)
        self.blocked = len(self._waiting) > _HIGH_WATER
        if not self.blocked:
            self._room.set()

    async def unblocked(self) -> None:
        """Wait until enough of what waits is out."""
        while self.blocked:
            self._room.clear()
            await self._room.wait()

    async def die(self) -> None:
        """Take the whole connection down."""
        await self._connection.die()


def _surface(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (failed := task.exception()) is not None:
        raise failed
