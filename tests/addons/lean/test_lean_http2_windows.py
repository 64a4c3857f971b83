"""A client that does not read its answer, or a server its request: a little waits for it here, the rest where it is."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from mitmproxy import http

from midwatch.lean import ALL_PATCHES, drain, patches_named
from midwatch.lean.edges import Edge
from midwatch.lean.http2_windows import STREAM_BYTES
from tests.addons.conftest import Proxy, Trust

PATCHED = pytest.mark.parametrize(
    "patches", [patches_named(["http2-windows", "held-reading"]), ALL_PATCHES], ids=["alone", "lean"]
)
MB = 1024 * 1024
# More than the kernel's buffers take.
SIZE = 40 * MB
# More than a client's window, less than ours.
SOME = 300_000
PIECE = bytes(16_384)


class Streams:
    """An addon that lets all bodies stream, and hears of edges."""

    def __init__(self) -> None:
        self.edges: list[Edge] = []
        self.errors: list[str] = []

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        flow.request.stream = True

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        assert flow.response
        flow.response.stream = True

    def error(self, flow: http.HTTPFlow) -> None:
        assert flow.error
        self.errors.append(flow.error.msg)

    def midwatch_edge(self, edge: Edge) -> None:
        self.edges.append(edge)


class Talk:
    """A client of HTTP/2, which opens the windows of streams that are in `takes`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._h2 = h2.connection.H2Connection()
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(2**30)  # only streams are held back
        self._unread: dict[int, int] = {}
        self._news = asyncio.Event()
        self.takes: set[int] = set()
        self.received: dict[int, int] = {}
        self.ended: set[int] = set()
        self.reset: set[int] = set()
        self._task = asyncio.create_task(self._keep_reading())

    def ask(self, path: str, *, body: bool = False) -> int:
        """Begin a request; its stream."""
        stream = self._h2.get_next_available_stream_id()
        head = [(":method", "POST" if body else "GET"), (":scheme", "https"), (":authority", "localhost")]
        self._h2.send_headers(stream, [*head, (":path", path)], end_stream=not body)
        self._writer.write(self._h2.data_to_send())
        return stream

    def take(self, stream: int) -> None:
        """Read on."""
        self.takes.add(stream)
        self._h2.acknowledge_received_data(self._unread.pop(stream, 0), stream)
        self._writer.write(self._h2.data_to_send())

    async def send(self, stream: int, size: int) -> int:
        """Part of a body as large as it may be now, up to `size`."""
        sent = 0
        while sent < size and (fits := min(size - sent, 16_384, self._h2.local_flow_control_window(stream))) > 0:
            self._h2.send_data(stream, PIECE[:fits])
            sent += fits
        self._writer.write(self._h2.data_to_send())
        await self._writer.drain()
        return sent

    def has_ended(self, stream: int) -> bool:
        return stream in self.ended

    def end(self, stream: int) -> None:
        self._h2.end_stream(stream)
        self._writer.write(self._h2.data_to_send())

    async def close(self) -> None:
        self._task.cancel()
        self._writer.transport.abort()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _keep_reading(self) -> None:
        while data := await self._reader.read(65536):
            for event in self._h2.receive_data(data):
                self._heard(event)
            self._writer.write(self._h2.data_to_send())

    def _heard(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.DataReceived):
            self.received[event.stream_id] = self.received.get(event.stream_id, 0) + len(event.data)
            if event.stream_id in self.takes:
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            else:
                self._unread[event.stream_id] = self._unread.get(event.stream_id, 0) + event.flow_controlled_length
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.reset.add(event.stream_id)


class Origin:
    """Sends SIZE bytes to whoever asks for /large, and two to others; takes bodies while it `takes` them."""

    def __init__(self) -> None:
        self.sent = self.received = self.resets = 0
        self.takes = asyncio.Event()
        self.takes.set()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, EOFError, asyncio.IncompleteReadError):
            if writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
                await self._http2(reader, writer)
            else:
                await self._http1(reader, writer)
        writer.close()

    async def _http1(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            left = SIZE if b"/large" in head.split(b"\r\n")[0] else 2
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % left)
            while left:
                piece = PIECE[:left]
                writer.write(piece)
                left -= len(piece)
                self.sent += len(piece)
                await writer.drain()

    async def _http2(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        left: dict[int, int] = {}
        while True:
            writer.write(connection.data_to_send())
            await writer.drain()
            if not self._send(connection, left):
                if not (data := await reader.read(65536)):
                    return
                for event in connection.receive_data(data):
                    await self._heard(connection, event, left)

    def _send(self, connection: h2.connection.H2Connection, left: dict[int, int]) -> int:
        """A frame for each stream that has room; bytes sent."""
        sent = 0
        for stream in list(left):
            size = min(left[stream], 16_384, connection.local_flow_control_window(stream))
            if size > 0:
                connection.send_data(stream, PIECE[:size], end_stream=size == left[stream])
                sent += size
                left[stream] -= size
                if not left[stream]:
                    del left[stream]
        self.sent += sent
        return sent

    async def _heard(self, connection: Any, event: h2.events.Event, left: dict[int, int]) -> None:
        if isinstance(event, h2.events.RequestReceived):
            path = {bytes(name): bytes(value) for name, value in event.headers}[b":path"]
            if path != b"/upload":
                left[event.stream_id] = {b"/large": SIZE, b"/some": SOME}.get(path, 2)
                connection.send_headers(event.stream_id, [(":status", "200")])
        elif isinstance(event, h2.events.DataReceived):
            self.received += len(event.data)
            await self.takes.wait()
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded) and event.stream_id not in left and self.received:
            connection.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
        elif isinstance(event, h2.events.StreamReset):
            self.resets += 1
            left.pop(event.stream_id, None)


type StartServer = Callable[[str], Awaitable[Origin]]


@pytest.fixture
async def start_server(trust: Trust) -> AsyncIterator[StartServer]:
    servers: list[asyncio.Server] = []

    async def start(alpn: str) -> Origin:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(trust.leaf)
        context.set_alpn_protocols([alpn])
        origin = Origin()
        servers.append(await asyncio.start_server(origin.serve, "127.0.0.1", 0, ssl=context))
        origin.port = servers[-1].sockets[0].getsockname()[1]
        return origin

    yield start
    for server in servers:
        server.close()
        await asyncio.wait_for(server.wait_closed(), 30)


@contextlib.asynccontextmanager
async def talking(proxy: Proxy, port: int) -> AsyncIterator[Talk]:
    """A client in a tunnel to that port."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"CONNECT localhost:%d HTTP/1.1\r\nhost: localhost\r\n\r\n" % port)
    await reader.readuntil(b"\r\n\r\n")
    trusting = proxy.trusting()
    trusting.set_alpn_protocols(["h2"])
    await writer.start_tls(trusting, server_hostname="localhost")
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    talk = Talk(reader, writer)
    try:
        yield talk
    finally:
        await talk.close()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


async def standstill(count: Callable[[], int]) -> int:
    """A count once it is more than nothing and stays for a second."""
    await until(count)
    before = 0
    async with asyncio.timeout(60):
        while before != count():
            before = count()
            await asyncio.sleep(1)
    return before


@PATCHED
@pytest.mark.parametrize("alpn", ["h2", "http/1.1"])
async def test_an_answer_that_is_not_read_waits_in_its_server_and_others_go_on(
    start_proxy: Any, start_server: StartServer, patches: Any, alpn: str
) -> None:
    origin = await start_server(alpn)
    async with (
        start_proxy(patches, [Streams()], connection_strategy="lazy") as proxy,
        talking(proxy, origin.port) as client,
    ):
        stream = client.ask("/large")
        sent = await standstill(lambda: origin.sent)
        assert sent < (2 * STREAM_BYTES if alpn == "h2" else SIZE)
        for _ in range(20):
            other = client.ask("/small")
            client.take(other)
            await until(partial(client.has_ended, other))
        client.take(stream)
        await until(lambda: stream in client.ended)
        assert client.received[stream] == SIZE


@pytest.mark.parametrize("alpn", ["h2", "http/1.1"])
async def test_stock_holds_all_of_it(start_proxy: Any, start_server: StartServer, alpn: str) -> None:
    """Why the patch is there."""
    origin = await start_server(alpn)
    async with start_proxy((), [Streams()], connection_strategy="lazy") as proxy, talking(proxy, origin.port) as client:
        client.ask("/large")
        assert await standstill(lambda: origin.sent) == SIZE


@PATCHED
async def test_a_body_that_is_not_taken_waits_in_its_client(
    start_proxy: Any, start_server: StartServer, patches: Any
) -> None:
    origin = await start_server("h2")
    origin.takes.clear()
    async with start_proxy(patches, [Streams()]) as proxy, talking(proxy, origin.port) as client:
        stream = client.ask("/upload", body=True)
        sent, fruitless = 0, 0
        while fruitless < 20 and sent < SIZE:
            more = await client.send(stream, SIZE - sent)
            sent, fruitless = sent + more, 0 if more else fruitless + 1
            await asyncio.sleep(0.05)
        assert 0 < sent < 4 * STREAM_BYTES
        origin.takes.set()
        async with asyncio.timeout(60):
            while sent < SIZE:
                sent += await client.send(stream, SIZE - sent)
                await asyncio.sleep(0)
        client.end(stream)
        await until(lambda: stream in client.ended)
        assert origin.received == SIZE


@PATCHED
async def test_one_that_is_never_read_is_reset_and_others_go_on(
    start_proxy: Any, start_server: StartServer, patches: Any
) -> None:
    origin, addon = await start_server("h2"), Streams()
    async with start_proxy(patches, [addon], tcp_timeout=2) as proxy, talking(proxy, origin.port) as client:
        stream = client.ask("/large")
        async with asyncio.timeout(60):
            while stream not in client.reset:
                other = client.ask("/small")
                client.take(other)
                await until(partial(client.has_ended, other))
                await asyncio.sleep(0.05)
        await until(lambda: origin.resets)
        assert [edge.kind for edge in addon.edges] == ["slow_reader"]
        assert addon.errors == ["did not read its answer: the HTTP/2 stream is reset"]
        other = client.ask("/small")
        client.take(other)
        await until(lambda: other in client.ended)


@PATCHED
async def test_what_is_held_for_a_client_holds_a_drain_up(
    start_proxy: Any, start_server: StartServer, patches: Any
) -> None:
    """The server has sent all of it, so that nothing is in flight but what waits here."""
    origin = await start_server("h2")
    async with start_proxy(patches, [Streams()]) as proxy, talking(proxy, origin.port) as client:
        stream = client.ask("/some")
        await standstill(lambda: origin.sent)
        draining = asyncio.create_task(drain(proxy.master, deadline_s=60))
        await asyncio.sleep(1)
        assert not draining.done()
        client.take(stream)
        await until(lambda: stream in client.ended)
        assert (await draining).cut == 0
