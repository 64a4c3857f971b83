"""A worker that others take over from: each client is told in its own protocol, and no request meets a closed door."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest

from midwatch.lean import ALL_PATCHES, PatchSet, take_leave
from midwatch.lean.farewell import GOAWAY, Farewell
from midwatch.lean.in_flight import InFlight


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["midwatch.lean.drain"], "LEAVE_POLL_S", 0.01)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.005)


async def begun(proxy: Any, **options: Any) -> asyncio.Task[int]:
    leaving = asyncio.create_task(take_leave(proxy.master, **{"deadline_s": 30, **options}))
    await until(lambda: not proxy.master.addons.get("proxyserver").listen_addrs())
    return leaving


class LaterClock:
    """The time, or later, where a test wants that."""

    later_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.later_s

    def time(self) -> float:
        return time.time()


def open_now(proxy: Any) -> int:
    return len(proxy.master.addons.get("proxyserver").connections)


async def test_a_client_of_http1_is_told_with_its_next_answer(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES) as proxy, proxy.client() as client:
        url = f"https://localhost:{upstream.tls}/"
        first = await client.get(url)
        leaving = await begun(proxy)
        second = await client.get(url)
        assert ("connection" in first.headers, second.headers["connection"], second.content) == (False, "close", b"ok")
        assert await leaving == 0


async def test_what_is_under_way_comes_whole_and_so_does_the_next(start_proxy: Any, upstream: Any) -> None:
    class Streams:
        def responseheaders(self, flow: Any) -> None:
            flow.response.stream = True

    async with start_proxy(ALL_PATCHES, [Streams()]) as proxy, proxy.client() as client:
        url = f"https://localhost:{upstream.tls}/slow"
        async with client.stream("GET", url) as running:
            leaving = await begun(proxy)  # after its head has gone out
            upstream.let_go.set()
            assert await running.aread() == b"slow"
        assert "connection" not in running.headers
        assert (await client.get(url)).headers["connection"] == "close"
        assert await leaving == 0


async def test_a_client_of_http2_goes_on_elsewhere_once_nothing_of_it_is_open(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES) as proxy, proxy.client(http2=True) as client:
        url = f"https://localhost:{upstream.tls}/"
        assert (await client.get(url)).http_version == "HTTP/2"
        leaving = await begun(proxy)
        assert (await client.get(url)).content == b"ok"
        with pytest.raises(Exception, match="connection attempts failed"):
            await client.get(url)  # it tries anew, and here nobody has taken over
        await client.aclose()
        assert await leaving == 0


class Wire:
    """An HTTP/2 client of which every frame is seen."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration())
        self.h2.initiate_connection()
        self.seen: list[Any] = []

    @classmethod
    async def open(cls, proxy: Any, port: int) -> Wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"CONNECT localhost:%d HTTP/1.1\r\nhost: localhost\r\n\r\n" % port)
        await reader.readuntil(b"\r\n\r\n")
        context = proxy.trusting()
        context.set_alpn_protocols(["h2"])
        await writer.start_tls(context, server_hostname="localhost")
        return cls(reader, writer)

    def ask(self, path: str, *, ends: bool = True) -> int:
        stream = self.h2.get_next_available_stream_id()
        head = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
        self.h2.send_headers(stream, head, end_stream=ends)
        self._writer.write(self.h2.data_to_send())
        return stream

    async def until(self, kind: type, stream: int | None = None) -> Any:
        async with asyncio.timeout(60):
            while True:
                for event in self.seen:
                    if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                        return event
                data = await self._reader.read(65536)
                assert data, "the proxy hung up"
                self.seen += self.h2.receive_data(data)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def test_goaway_names_the_last_stream_and_what_crosses_it_is_not_answered(
    start_proxy: Any, upstream: Any
) -> None:
    received: list[str] = []

    class Counting:
        def requestheaders(self, flow: Any) -> None:
            received.append(flow.request.path)

    async with start_proxy(ALL_PATCHES, [Counting()]) as proxy:
        wire = await Wire.open(proxy, upstream.tls)
        await wire.until(h2.events.StreamEnded, wire.ask("/first"))
        leaving = await begun(proxy)
        last = wire.ask("/last")
        await until(lambda: "/last" in received and not len(proxy.master.addons.get(InFlight.name)))
        wire.ask("/crossing")  # GOAWAY is on its way, and not read yet
        told = await wire.until(h2.events.ConnectionTerminated)
        await wire.until(h2.events.StreamEnded, last)
        assert (told.error_code, told.last_stream_id, received) == (0, last, ["/first", "/last"])
        await wire.close()
        assert await leaving == 0


async def test_one_that_always_has_a_stream_open_is_asked_to_open_no_more(
    start_proxy: Any, upstream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What crosses that is served all the same: it names the highest stream there can be."""
    served: list[str] = []
    clock = LaterClock()
    monkeypatch.setattr(sys.modules["midwatch.lean.drain"], "time", clock)

    class Served:
        def response(self, flow: Any) -> None:
            served.append(flow.request.path)

    async with start_proxy(ALL_PATCHES, [Served()]) as proxy:
        wire = await Wire.open(proxy, upstream.tls)
        await wire.until(h2.events.StreamEnded, wire.ask("/first"))
        wire.ask("/held", ends=False)
        leaving = await begun(proxy, deadline_s=120)
        assert not proxy.master.addons.get(Farewell.name).urges
        clock.later_s = 61  # more than half of the time is over
        await until(lambda: proxy.master.addons.get(Farewell.name).urges)
        wire.ask("/crossing")
        told = await wire.until(h2.events.ConnectionTerminated)
        assert (told.error_code, told.last_stream_id) == (0, 2**31 - 1)
        await until(lambda: served == ["/first", "/crossing"])
        await wire.close()
        assert await leaving == 0


async def test_an_idle_one_is_closed_only_after_long(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES) as proxy, proxy.client() as client:
        await client.get(f"https://localhost:{upstream.tls}/")
        assert await (await begun(proxy, deadline_s=0.6)) == 1


async def test_after_long_it_is(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES) as proxy, proxy.client() as client:
        await client.get(f"https://localhost:{upstream.tls}/")
        assert await (await begun(proxy, idle_s=0.0)) == 0


async def test_a_tunnel_that_is_not_read_is_left_alone(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES) as proxy:
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"CONNECT localhost:%d HTTP/1.1\r\nhost: localhost\r\n\r\n" % upstream.clear)
        await until(lambda: open_now(proxy))
        assert await (await begun(proxy, deadline_s=0.6, idle_s=0.0)) == 1
        writer.close()


async def test_nothing_of_it_is_left_behind(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES) as proxy:
        assert await (await begun(proxy)) == 0
        stock = [item.owner.__dict__[item.name] for item in GOAWAY.replacements]
        patches = PatchSet([GOAWAY])
        (report,) = patches.apply()
        assert report.applied
        patches.revert()
        assert [item.owner.__dict__[item.name] for item in GOAWAY.replacements] == stock
