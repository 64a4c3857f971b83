"""A real upstream: HTTP/1.1 and HTTP/2, in clear and TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import ClassVar

import h2.config
import h2.connection
import h2.events
import pytest

from tests.addons.conftest import Trust

GZIPPED = bytes.fromhex("1f8b0800000000000003cb48cdc9c95728cf2fca49010085114a0d0b000000")
SSE = [b'data: {"n":%d}\n\n' % n for n in range(5)] + [b"data: [DONE]\n\n"]


class Upstream(asyncio.Protocol):
    """Echoes bodies; /sse streams events, /gzip a compressed body, /slow half an answer until let go, /die half."""

    slow: asyncio.Event
    transports: ClassVar[set[asyncio.Transport]] = set()

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._h2: h2.connection.H2Connection | None = None
        self._bodies: dict[int, bytearray] = {}
        self._paths: dict[int, str] = {}
        self._waiting: dict[int, bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        Upstream.transports.add(transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() == "h2":
            self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
            self._h2.initiate_connection()
            transport.write(self._h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        if self._h2 is not None:
            self._http2(data)
            return
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end])
            length = next(
                (line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0"
            )
            size = end + 4 + int(length)
            if len(self._buffer) < size:
                return
            body = bytes(self._buffer[end + 4 : size])
            del self._buffer[:size]
            self._http1(head.split(b" ")[1].decode(), body)

    def _http1(self, path: str, body: bytes) -> None:
        if path.endswith("/sse"):
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            for event in SSE:
                self._transport.write(b"%x\r\n%s\r\n" % (len(event), event))
            self._transport.write(b"0\r\n\r\n")
        elif path.endswith("/die"):
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndi")
            self._transport.close()
        elif path.endswith("/slow"):
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsl")
            task = asyncio.get_running_loop().create_task(self._later(b"ow"))
            task.add_done_callback(lambda _: None)
        else:
            extra, answer = _answer(path, body)
            self._transport.write(b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n" % (extra, len(answer)) + answer)

    async def _later(self, data: bytes) -> None:
        await Upstream.slow.wait()
        self._transport.write(data)

    def _http2(self, data: bytes) -> None:
        assert self._h2
        for event in self._h2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                headers = {bytes(k): bytes(v) for k, v in event.headers}
                self._paths[event.stream_id] = headers[b":path"].decode()
                self._bodies[event.stream_id] = bytearray()
            elif isinstance(event, h2.events.DataReceived):
                self._bodies[event.stream_id] += event.data
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self._answer_http2(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self._waiting.pop(event.stream_id, None)
        self._send_what_fits()
        self._transport.write(self._h2.data_to_send())

    def _answer_http2(self, stream: int) -> None:
        assert self._h2
        path = self._paths.pop(stream)
        extra, answer = _answer(path, bytes(self._bodies.pop(stream)))
        headers = [(":status", "200"), ("content-length", str(len(answer)))]
        if extra:
            headers.append(("content-encoding", "gzip"))
        self._h2.send_headers(stream, headers)
        self._waiting[stream] = answer

    def _send_what_fits(self) -> None:
        assert self._h2
        for stream, left in list(self._waiting.items()):
            while left and (fits := min(16_000, self._h2.local_flow_control_window(stream))) > 0:
                self._h2.send_data(stream, left[:fits])
                left = left[fits:]
            self._waiting[stream] = left
            if not left:
                self._h2.end_stream(stream)
                del self._waiting[stream]


def _answer(path: str, body: bytes) -> tuple[bytes, bytes]:
    return (b"content-encoding: gzip\r\n", GZIPPED) if path.endswith("/gzip") else (b"", body or b"ok")


@dataclass(frozen=True)
class Serving:
    """Where the upstream listens, what it answers on /gzip and /sse, and what lets /slow go on."""

    clear: int
    tls: int
    let_go: asyncio.Event
    gzipped: bytes = GZIPPED
    stream: bytes = b"".join(SSE)


@pytest.fixture
async def upstream(trust: Trust) -> AsyncIterator[Serving]:
    Upstream.slow = asyncio.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trust.leaf)
    context.set_alpn_protocols(["h2", "http/1.1"])
    loop = asyncio.get_running_loop()
    clear = await loop.create_server(Upstream, "127.0.0.1", 0)
    tls = await loop.create_server(Upstream, "127.0.0.1", 0, ssl=context)
    yield Serving(clear.sockets[0].getsockname()[1], tls.sockets[0].getsockname()[1], Upstream.slow)
    for transport in Upstream.transports:
        transport.abort()
    Upstream.transports.clear()
    for server in (clear, tls):
        server.close()
        await server.wait_closed()  # a transport left behind complains in whichever test collects it
