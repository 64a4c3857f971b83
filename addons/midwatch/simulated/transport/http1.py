"""One HTTP/1.1 connection to the simulated providers: requests one after another, keep-alive, 100-continue."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import cast

from midwatch.simulated.call import Headers
from midwatch.simulated.service import Order, Service
from midwatch.simulated.transport.closing import abort_when_sent
from midwatch.simulated.transport.delivery import deliver, deliver_now, immediate
from midwatch.simulated.transport.request_reader import BadRequestError, RequestReader
from midwatch.simulated.transport.sockets import session_of
from midwatch.simulated.transport.websocket import WebSocketConnection

_READ_AHEAD = 1 << 20
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS_LINES = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n" for s in HTTPStatus}


class Http1Connection(asyncio.Protocol):
    """Reads requests, asks the service, writes answers; it is the outlet of the answer under way."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reader = RequestReader()
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None] | None = None
        self._order: Order | None = None
        self._continued = False
        self._keep_alive = True
        self._bodiless = False
        self._head = b""
        self._chunked = False
        self._room = asyncio.Event()
        self._room.set()
        self.blocked = False

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client; those of a next request wait until the answer under way is out."""
        self._reader.feed(data)
        if self._task is None:
            self._serve()
        elif self._reader.pending > _READ_AHEAD:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """The socket is full."""
        self.blocked = True
        self._room.clear()

    def resume_writing(self) -> None:
        """The socket takes more."""
        self.blocked = False
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or we closed."""
        if self._order and not self._order.progress.ended:
            self._order.progress.ended = "left"
        if self._task is not None:
            self._task.cancel()

    # --- requests

    def _serve(self) -> None:
        while self._task is None and not self._transport.is_closing():
            try:
                raw = self._reader.next()
            except BadRequestError as wrong:
                return self._refuse(str(wrong))
            head = self._reader.head
            if raw is None:
                if head is not None and head.expects_continue and not self._continued:
                    self._continued = True
                    self._transport.write(_CONTINUE)
                return None
            self._continued = False
            self._keep_alive = raw.keep_alive
            self._bodiless = raw.method == "HEAD"
            if session := session_of(raw, self._service):
                return WebSocketConnection(raw, session).begin(self._transport, self, self._reader.rest())
            self._begin(self._service.order(raw))
        return None

    def _begin(self, order: Order) -> None:
        self._order = order
        if immediate(order) and not self.blocked:
            deliver_now(order, self)
            self._order = None
            return
        self._task = asyncio.get_running_loop().create_task(deliver(order, self))
        self._task.add_done_callback(self._delivered)

    def _delivered(self, task: asyncio.Task[None]) -> None:
        self._task = self._order = None
        if task.cancelled() or self._transport.is_closing():
            return
        if (failed := task.exception()) is not None:
            self._transport.abort()
            raise failed
        self._transport.resume_reading()
        self._serve()

    def _refuse(self, why: str) -> None:
        body = why.encode()
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self._transport.write(head.encode() + body)
        self._transport.close()

    # --- the outlet of one answer

    def start(self, status: int, headers: Headers, length: int | None, framing: str) -> None:
        """Prepare the head; it leaves with the first piece of the body, in one write."""
        lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} Simulated\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in headers]
        self._chunked = length is None and framing != "close"
        if framing == "close":
            self._keep_alive = False
        if length is not None:
            lines.append(f"content-length: {length}\r\n")
        elif self._chunked:
            lines.append("transfer-encoding: chunked\r\n")
        lines.append("connection: keep-alive\r\n\r\n" if self._keep_alive else "connection: close\r\n\r\n")
        self._head = "".join(lines).encode("latin-1")

    def send(self, data: bytes) -> None:
        """Write a piece, as a chunk of its own where the body is chunked."""
        if self._bodiless or (not data and not self._head):
            return
        if self._chunked and data:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if self._head:
            data, self._head = self._head + data, b""
        self._transport.write(data)

    def finish(self) -> None:
        """Write what ends the body; close where the connection is not kept."""
        end = b"" if self._bodiless or not self._chunked else b"0\r\n\r\n"
        if self._head or end:
            self._transport.write(self._head + end)
            self._head = b""
        if not self._keep_alive:
            self._transport.close()

    async def unblocked(self) -> None:
        """Wait until the socket takes more."""
        await self._room.wait()

    async def die(self) -> None:
        """Close without an end, after what was written is out (at most a second later)."""
        await abort_when_sent(self._transport)
