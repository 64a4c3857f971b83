"""A client of HTTP/1 that does not read: its server waits, what is held is little, and it may read on later.

Stock sees to that, and so must all patches together; for HTTP/2 see `test_lean_http2_windows`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from mitmproxy import http

from midwatch.lean import ALL_PATCHES
from tests.addons.conftest import StartOrigin

MB = 1024 * 1024
# More than the kernel's buffers take on both sides together.
SIZE = 48 * MB
PIECE = b"data: " + b"x" * 16_376 + b"\n\n"
# A few reads on the way and both buffers of a connection, against the 48 MB that would be held without back-pressure.
HELD_BYTES = 2 * MB


@dataclass
class Far:
    """A server that sends SIZE bytes, as a body of known length or in chunks; an addon that lets them stream."""

    chunked: bool
    sent: int = 0

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        assert flow.response
        flow.response.stream = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        form = b"transfer-encoding: chunked" if self.chunked else b"content-length: %d" % SIZE
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n%s\r\n\r\n" % form)
        while self.sent < SIZE:
            piece = PIECE[: SIZE - self.sent]
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if self.chunked else piece)
            self.sent += len(piece)
            await writer.drain()
        writer.write(b"0\r\n\r\n" if self.chunked else b"")
        writer.close()


def held(proxy: Any) -> int:
    """Bytes that the proxy itself holds for all its connections."""
    handlers = proxy.master.addons.get("proxyserver").connections.values()
    ios = [io for handler in handlers for io in handler.transports.values()]
    return sum(io.writer.transport.get_write_buffer_size() + len(io.reader._buffer) for io in ios)


@pytest.mark.parametrize("patches", [(), ALL_PATCHES], ids=["stock", "lean"])
@pytest.mark.parametrize("chunked", [False, True], ids=["body", "stream"])
async def test_a_little_is_held_and_the_rest_comes_when_it_reads_on(
    start_proxy: Any, start_origin: StartOrigin, patches: Any, chunked: bool
) -> None:
    far = Far(chunked)
    port = await start_origin(far.serve)
    async with start_proxy(patches, [far]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=1024)
        writer.write(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nhost: a\r\n\r\n" % port)
        async with asyncio.timeout(60):
            before = 0
            while not far.sent or before != far.sent:
                before = far.sent
                await asyncio.sleep(1)
        assert far.sent < SIZE
        assert 0 < held(proxy) < HELD_BYTES
        got, count = b"", 0
        async with asyncio.timeout(60):
            while not got.endswith(b"0\r\n\r\n") if chunked else count < SIZE:
                got = got[-8:] + (piece := await reader.read(MB))
                assert piece
                count += len(piece)
        assert (far.sent, count >= SIZE) == (SIZE, True)
        writer.close()
