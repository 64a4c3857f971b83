"""A client that sends while its server is being connected to: a little is read ahead, and nothing is lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from mitmproxy import http

from midwatch.lean import ALL_PATCHES, patches_named
from tests.addons.conftest import StartOrigin

PATCHED = pytest.mark.parametrize("patches", [patches_named(["held-reading"]), ALL_PATCHES], ids=["alone", "lean"])
MB = 1024 * 1024
# More than the kernel's buffers take on both sides together.
SIZE = 48 * MB


@dataclass
class Far:
    """A server that takes its time to be connected to; an addon that lets requests stream to it."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    received: int = 0
    port: int = 0
    fails: bool = False

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        flow.request.stream = True

    async def server_connect(self, data: Any) -> None:
        await self.arrived.wait()
        if self.fails:
            data.server.error = "nobody there"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while self.received < SIZE:
            self.received += len(await reader.read(MB))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        writer.close()


@pytest.fixture
async def far(start_origin: StartOrigin) -> Far:
    made = Far()
    made.port = await start_origin(made.serve)
    return made


async def post(proxy: Any, far: Far) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that sends a large body as fast as it can; it has sent what it could."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"POST http://127.0.0.1:%d/ HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % (far.port, SIZE))
    writer.write(bytes(SIZE))
    left, before = SIZE, 0
    while left != before and left:
        before = left
        await asyncio.sleep(0.5)
        left = writer.transport.get_write_buffer_size()
    return reader, writer


@PATCHED
async def test_the_rest_waits_in_the_client_and_comes_whole(start_proxy: Any, far: Far, patches: Any) -> None:
    async with start_proxy(patches, [far]) as proxy:
        reader, writer = await post(proxy, far)
        assert writer.transport.get_write_buffer_size() > SIZE // 2
        far.arrived.set()
        assert (await asyncio.wait_for(reader.readuntil(b"ok"), 60)).startswith(b"HTTP/1.1 200 ")
        writer.close()
    assert far.received == SIZE


async def test_stock_reads_on(start_proxy: Any, far: Far) -> None:
    """Why the patch is there."""
    async with start_proxy((), [far]) as proxy:
        _, writer = await post(proxy, far)
        async with asyncio.timeout(60):
            while writer.transport.get_write_buffer_size():
                await asyncio.sleep(0.01)
        writer.transport.abort()
        far.arrived.set()


@PATCHED
async def test_who_waits_in_vain_is_told_so(start_proxy: Any, far: Far, patches: Any) -> None:
    far.fails = True
    async with start_proxy(patches, [far]) as proxy:
        reader, writer = await post(proxy, far)
        far.arrived.set()
        assert (await asyncio.wait_for(reader.readline(), 60)).startswith(b"HTTP/1.1 502 ")
        writer.transport.abort()
