"""The head of an HTTP/1 message through a real proxy: an end, and one meaning; and what may come ahead of an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from midwatch.lean import ALL_PATCHES, patches_named
from midwatch.lean.edges import BODY_BEGUN, HEAD_BEGUN, Edge
from midwatch.lean.head_bounds import DEFAULT_BYTES, MAX_AHEAD
from midwatch.lean.leftovers import Leftovers

PLAIN: tuple[()] = ()
ALONE = patches_named(["head-bounds"])
PATCHED = pytest.mark.parametrize("patches", [ALONE, ALL_PATCHES], ids=["alone", "lean"])


class Listener:
    """An addon that hears of edges."""

    name = "listener"

    def __init__(self) -> None:
        self.edges: list[Edge] = []

    def midwatch_edge(self, edge: Edge) -> None:
        self.edges.append(edge)

    @property
    def kinds(self) -> list[str]:
        return [edge.kind for edge in self.edges if edge.kind not in (HEAD_BEGUN, BODY_BEGUN)]


@dataclass
class Server:
    """Keeps what it is sent, and answers with `answer` at each head's end."""

    answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    seen: bytearray = field(default_factory=bytearray)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.seen += data
            if b"\r\n\r\n" in data:
                await self.hold.wait()
                writer.write(self.answer)
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    made.hold.set()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    made.hold.set()
    listening.close()
    await asyncio.wait_for(listening.wait_closed(), 60)


@pytest.fixture(autouse=True)
def nothing_crashes(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def said(proxy: Any, *pieces: bytes) -> bytes:
    """What a client is answered up to the connection's end, or to the end of an `ok`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    got = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(60):
            while not got.endswith(b"\r\n\r\nok") and (data := await reader.read(65536)):
                got += data
    except ConnectionError:
        pass  # it was closed while we spoke
    finally:
        writer.close()
    return got


def request_to(server: Server, *fields: bytes) -> bytes:
    return b"\r\n".join([b"GET http://127.0.0.1:%d/ HTTP/1.1" % server.port, b"Host: a", *fields, b"", b""])


@PATCHED
async def test_a_head_without_end_is_refused_at_its_bound(start_proxy: Any, server: Server, patches: Any) -> None:
    listener = Listener()
    async with start_proxy(patches, [listener]) as proxy:
        answer = await said(proxy, b"GET http://a/ HTTP/1.1\r\n", *[b"x" * 8192] * 9)
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert listener.kinds == ["head_size"]
        assert (await said(proxy, request_to(server, b"x: " + b"a" * 60_000))).endswith(b"ok")
        assert (await said(proxy, request_to(server, b"x: " + b"a" * DEFAULT_BYTES))).startswith(b"HTTP/1.1 431 ")


@PATCHED
async def test_a_head_that_may_be_read_in_two_ways_reaches_nobody(
    start_proxy: Any, server: Server, patches: Any
) -> None:
    listener = Listener()
    async with start_proxy(patches, [listener]) as proxy:
        for field_ in (b"x: a\nContent-Length: 3", b"x: a\r\n folded", b"x: a\0", b"Host: b"):
            assert (await said(proxy, request_to(server, field_))).startswith(b"HTTP/1.1 400 ")
    assert listener.kinds == ["head_form"] * 4
    assert server.seen == b""


async def test_stock_passes_them_on(start_proxy: Any, server: Server) -> None:
    """Why the patch is there."""
    async with start_proxy(PLAIN) as proxy:
        assert (await said(proxy, request_to(server, b"x: a\nContent-Length: 3"), b"abc")).endswith(b"ok")
        assert (await said(proxy, request_to(server, b"x: " + b"a" * 1_000_000))).endswith(b"ok")


@PATCHED
async def test_empty_lines_before_a_request_are_ignored_and_not_for_ever(
    start_proxy: Any, server: Server, patches: Any
) -> None:
    listener = Listener()
    async with start_proxy(patches, [listener]) as proxy:
        assert (await said(proxy, b"\r\n\r\n\r\n" + request_to(server))).endswith(b"ok")
        assert (await said(proxy, b"\r\n" * 100)).startswith(b"HTTP/1.1 400 ")


@PATCHED
async def test_a_head_that_drips_is_told_of_and_read(start_proxy: Any, server: Server, patches: Any) -> None:
    listener = Listener()
    async with start_proxy(patches, [listener]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        for _ in range(2):
            head = request_to(server)
            writer.write(head[:9])
            heard = len(listener.edges)
            async with asyncio.timeout(60):
                while len(listener.edges) == heard:
                    await asyncio.sleep(0.005)
            writer.write(head[9:])
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.close()
    assert {edge.kind for edge in listener.edges} == {HEAD_BEGUN}


@PATCHED
async def test_what_comes_ahead_of_an_answer_is_bounded(start_proxy: Any, server: Server, patches: Any) -> None:
    server.hold.clear()
    listener = Listener()
    async with start_proxy(patches, [listener, Leftovers()]) as proxy:
        await said(proxy, request_to(server), *[b"y" * 65536] * (MAX_AHEAD // 65536 + 8))
        assert listener.kinds == ["sent_ahead"]


@PATCHED
async def test_a_server_s_head_has_an_end_too(start_proxy: Any, server: Server, patches: Any) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\n" + b"x-fill: %s\r\n" % (b"a" * 1000) * 100
    async with start_proxy(patches) as proxy:
        answer = await said(proxy, request_to(server))
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert b"too large" in answer


@PATCHED
@pytest.mark.parametrize("line", [b"no field at all", b": nameless"], ids=["no colon", "no name"])
async def test_what_mitmproxy_can_make_no_request_of_is_told_of_once(
    start_proxy: Any, server: Server, patches: Any, line: bytes
) -> None:
    listener = Listener()
    async with start_proxy(patches, [listener]) as proxy:
        assert (await said(proxy, request_to(server, line))).startswith(b"HTTP/1.1 400 ")
    assert listener.kinds == ["head_form"]
    assert server.seen == b""
