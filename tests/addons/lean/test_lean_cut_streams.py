"""An answer that an addon has ended: in order for the client at once, and given up at the provider."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from mitmproxy import http

from midwatch.lean import ALL_PATCHES, patches_named
from midwatch.lean.cut_streams import CUT

PLAIN: tuple[()] = ()
ALONE = patches_named(["cut-streams"])
LAST = b"the end\n"
BODY = bytes(range(256)) * 1200


class Cutting:
    """Ends the answers to some paths with their first chunk. `response` waits a moment, as one that rules may."""

    name = "cutting"

    def __init__(self, *, waits: bool = True) -> None:
        self.seen: list[str] = []
        self._waits = waits

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        assert flow.response
        if "cut" not in flow.request.headers:
            return
        flow.response.headers.pop("content-length", None)
        if flow.response.http_version == "HTTP/1.1":
            flow.response.headers["transfer-encoding"] = "chunked"

        def stream(chunk: bytes) -> list[bytes]:
            if flow.metadata.get(CUT):
                return []
            flow.metadata[CUT] = True
            return [LAST]

        flow.response.stream = stream

    async def response(self, flow: http.HTTPFlow) -> None:
        self.seen.append("response")
        if self._waits:
            await asyncio.sleep(0.02)

    def error(self, flow: http.HTTPFlow) -> None:
        self.seen.append("error")


@dataclass
class Endless:
    """A provider in clear that sends `first` and then nothing until it is let go; `left` when its client is gone."""

    first: bytes = b"one\n"
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        writer.write(b"%x\r\n%s\r\n" % (len(self.first), self.first))
        gone, go = asyncio.create_task(reader.read()), asyncio.create_task(self.let_go.wait())
        await asyncio.wait([gone, go], return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            self.left.set()
        else:
            writer.write(b"4\r\ntwo\n\r\n0\r\n\r\n")
        gone.cancel()
        go.cancel()
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()


@pytest.fixture
async def endless() -> AsyncIterator[Endless]:
    made = Endless()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    made.let_go.set()
    server.close()
    await asyncio.wait_for(server.wait_closed(), 60)  # a transport left behind complains wherever it is collected


@pytest.fixture(autouse=True)
def nothing_crashes(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("patches", [ALONE, ALL_PATCHES], ids=["alone", "lean"])
async def test_the_end_waits_for_nobody(start_proxy: Any, endless: Endless, patches: Any) -> None:
    addon = Cutting()
    async with start_proxy(patches, [addon]) as proxy, proxy.client() as client:
        answer = await client.get(f"http://127.0.0.1:{endless.port}/", headers={"cut": "1"})
        assert answer.content == LAST
        await asyncio.wait_for(endless.left.wait(), 60)
        assert addon.seen == ["response"]


async def test_stock_waits_for_the_providers_end(start_proxy: Any, endless: Endless) -> None:
    """Why the patch is there; the bytes are the same."""
    addon = Cutting()
    async with start_proxy(PLAIN, [addon]) as proxy, proxy.client() as client:
        async with client.stream("GET", f"http://127.0.0.1:{endless.port}/", headers={"cut": "1"}) as answer:
            pieces = answer.aiter_raw()
            assert await anext(pieces) == LAST
            assert not endless.left.is_set()
            assert addon.seen == []
            endless.let_go.set()
            assert [piece async for piece in pieces] == []
        assert addon.seen == ["response"]
        assert not endless.left.is_set()


@pytest.mark.parametrize("patches", [PLAIN, ALONE, ALL_PATCHES], ids=["stock", "alone", "lean"])
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(("http2", "path"), [(False, "/sse"), (False, "/echo"), (True, "/echo")])
async def test_what_came_with_the_last_bytes_is_swallowed(
    start_proxy: Any, upstream: Any, patches: Any, waits: bool, http2: bool, path: str
) -> None:
    """The provider has sent it all: the rest arrives while the hook runs, and after. The connection lives on."""
    addon = Cutting(waits=waits)
    async with start_proxy(patches, [addon]) as proxy, proxy.client(http2=http2) as client:
        for _ in range(7):  # more than the connections that mitmproxy makes to one server for one client
            answer = await client.post(f"https://localhost:{upstream.tls}{path}", content=BODY, headers={"cut": "1"})
            assert answer.content == LAST
            assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
            other = await client.post(f"https://localhost:{upstream.tls}/echo", content=b"as ever")
            assert other.content == b"as ever"
        await asyncio.sleep(0.05)
        assert addon.seen == ["response"] * 14


@pytest.mark.parametrize("patches", [ALONE, ALL_PATCHES], ids=["alone", "lean"])
async def test_other_streams_of_the_connection_go_on(start_proxy: Any, upstream: Any, patches: Any) -> None:
    async with start_proxy(patches, [Cutting()]) as proxy, proxy.client(http2=True) as client:
        url = f"https://localhost:{upstream.tls}/echo"

        async def one(number: int) -> bytes:
            headers = {"cut": "1"} if number % 2 else {}
            content: bytes = (await client.post(url, content=BODY[: 60_000 + number], headers=headers)).content
            return content

        got = await asyncio.gather(*(one(number) for number in range(20)))
    assert got == [LAST if number % 2 else BODY[: 60_000 + number] for number in range(20)]


@pytest.mark.parametrize("patches", [ALONE, ALL_PATCHES], ids=["alone", "lean"])
async def test_a_client_that_leaves_at_the_cut(start_proxy: Any, endless: Endless, patches: Any) -> None:
    addon = Cutting()
    async with start_proxy(patches, [addon]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(f"GET http://127.0.0.1:{endless.port}/ HTTP/1.1\r\nhost: x\r\ncut: 1\r\n\r\n".encode())
        await reader.readuntil(LAST)
        writer.close()
        await proxy.until_quiet()
        await asyncio.wait_for(endless.left.wait(), 60)
    assert addon.seen == ["response"]


async def test_an_answer_that_is_not_cut_is_left_alone(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALONE, [Cutting()]) as proxy, proxy.client() as client:
        assert (await client.get(f"https://localhost:{upstream.tls}/sse")).content == upstream.stream
        assert (await client.get(f"https://localhost:{upstream.tls}/gzip")).status_code == 200
