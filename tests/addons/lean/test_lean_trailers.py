"""Trailer fields behind a chunked body: they pass in both directions, as the body does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from mitmproxy import http

from midwatch.lean import ALL_PATCHES, patches_named
from tests.addons.conftest import StartOrigin

ALONE = patches_named(["trailers"])
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
FIRST = b"5\r\nhello\r\n0\r\nX-Checksum: 7\r\nx-more: a\r\n\r\n"
SECOND = b"5\r\nagain\r\n0\r\n\r\n"


class Streaming:
    """Streams bodies of both sides where a request asks for it, and remembers what it saw."""

    def __init__(self) -> None:
        self.flows: list[http.HTTPFlow] = []

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        flow.request.stream = "stream" in flow.request.headers

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        assert flow.response
        flow.response.stream = "stream" in flow.request.headers

    def response(self, flow: http.HTTPFlow) -> None:
        self.flows.append(flow)


class Far:
    """A server in clear that answers each chunked request with trailers, then once without; keeps what it got."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (FIRST, SECOND):
            await reader.readuntil(b"\r\n\r\n")
            body = await reader.readuntil(b"0\r\n")
            while not body.endswith(b"\r\n\r\n"):
                body += await reader.readuntil(b"\r\n")
            self.got.append(body)
            writer.write(HEAD)
            for byte in answer:
                writer.write(bytes((byte,)))
                await writer.drain()
        writer.close()


@pytest.fixture
async def far(start_origin: StartOrigin) -> Far:
    made = Far()
    made.port = await start_origin(made.serve)
    return made


@pytest.fixture(autouse=True)
def nothing_crashes(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("patches", [ALONE, ALL_PATCHES], ids=["alone", "lean"])
@pytest.mark.parametrize("stream", [True, False])
async def test_they_pass_in_both_directions(start_proxy: Any, far: Far, patches: Any, stream: bool) -> None:
    addon = Streaming()
    async with start_proxy(patches, [addon]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        for asked, answered in ((FIRST, FIRST), (SECOND, SECOND)):
            head = f"POST http://127.0.0.1:{far.port}/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
            writer.write(head.encode() + (b"stream: 1\r\n\r\n" if stream else b"\r\n") + asked)
            assert await reader.readuntil(b"\r\n\r\n") == HEAD
            got = b""
            while not got.endswith(b"0\r\n" + answered.partition(b"0\r\n")[2]):
                got += await asyncio.wait_for(reader.read(100), 60)
            assert b"".join(got.partition(b"0\r\n")[1:]) == b"".join(answered.partition(b"0\r\n")[1:])
        writer.close()
    assert [body.partition(b"0\r\n")[2] for body in far.got] == [b"X-Checksum: 7\r\nx-more: a\r\n\r\n", b"\r\n"]
    first, second = addon.flows
    assert first.response is not None
    assert second.response is not None
    assert dict(first.response.trailers or {}) == {"X-Checksum": "7", "x-more": "a"}
    assert second.response.trailers is None
