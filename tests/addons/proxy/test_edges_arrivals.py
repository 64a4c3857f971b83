"""Who comes, and who keeps a worker waiting, through a real proxy: what the addons do alone, and with patches."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import pytest

from midwatch.lean import ALL_PATCHES
from midwatch.lean.leftovers import Leftovers
from midwatch.proxy.edges.arrivals import OPEN, TURNED_AWAY, Arrivals
from midwatch.proxy.edges.patience import HELD_TOTAL, Patience
from midwatch.proxy.edges.refused_heads import RefusedHeads
from midwatch.proxy.edges.refusing import REFUSED, Refusing
from midwatch.proxy.edges.telling import Telling
from midwatch.proxy.numbers import WORKER
from midwatch_core.connection_settings import ConnectionSettings
from midwatch_core.metrics import Metrics
from tests.addons.conftest import StartOrigin
from tests.addons.proxy.test_edges_counts import SteppedClock

type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Door:
    """The addons, the clock they go by, and what they counted."""

    def __init__(self, **settings: Any) -> None:
        self.clock = SteppedClock()
        self.metrics = Metrics()
        self.metrics.declare(WORKER)
        read = ConnectionSettings(**settings)
        refusing = Refusing(self.metrics, Telling(self.clock))
        self.arrivals = Arrivals(read, refusing, self.clock)
        self.patience = Patience(read, refusing, self.clock)
        self.addons = [self.arrivals, self.patience, RefusedHeads(refusing), Leftovers()]

    def passes(self, seconds: float) -> None:
        """Time passes, and the addon looks."""
        self.clock.at_s += seconds
        self.patience.look()

    @property
    def counted(self) -> dict[str, int]:
        return {item.labels[0]: int(item.values[0]) for item in self.metrics.samples([REFUSED])}

    def gauge(self, name: str) -> float:
        self.arrivals.report()
        return self.metrics.samples([name])[0].values[0]


@pytest.fixture
async def server(start_origin: StartOrigin) -> int:
    """A server's port that answers each request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        writer.close()

    return await start_origin(serve)


async def come(proxy: Any, data: bytes = b"") -> Streams:
    """A client, whom the proxy has noticed."""
    connections = proxy.master.addons.get("proxyserver").connections
    before = len(connections)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    async with asyncio.timeout(60):
        while len(connections) == before:
            await asyncio.sleep(0.002)
    for _ in range(50):
        await asyncio.sleep(0)  # the addons hear of it in one of the loop's next rounds
    writer.write(data)
    return reader, writer


async def gone(client: Streams, within_s: float = 60.0) -> bool:
    """Whether a client was left; it leaves then itself."""
    reader, writer = client
    try:
        return await asyncio.wait_for(reader.read(1), within_s) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    finally:
        writer.close()


async def test_who_says_nothing_is_left_in_time(start_proxy: Any) -> None:
    door = Door(head_s=30)
    async with start_proxy((), door.addons) as proxy:
        first = await come(proxy)
        door.passes(20)
        second = await come(proxy, b"GET http://a/ HTTP/1.1\r\n")
        door.passes(11)
        assert await gone(first)
        assert not await gone(second, 0.3)
    assert door.counted == {"slow_head": 1}


async def test_a_tunnel_nobody_uses_is_left_in_time(start_proxy: Any, server: int) -> None:
    door = Door(handshake_s=30)
    async with start_proxy((), door.addons) as proxy:
        reader, writer = await come(proxy, b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % server)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x16\x03\x01\x02\x00\x01")
        door.passes(31)
        assert await gone((reader, writer))
    assert door.counted == {"slow_handshake": 1}


async def test_who_was_answered_may_be_silent(start_proxy: Any, server: int) -> None:
    door = Door(head_s=30)
    async with start_proxy((), door.addons) as proxy:
        reader, writer = await come(proxy)
        for _ in range(2):
            writer.write(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nhost: a\r\n\r\n" % server)
            await reader.readuntil(b"ok")
            door.passes(500)
        writer.close()
    assert door.counted == {}


async def test_what_a_server_takes_is_not_the_client_s(start_proxy: Any) -> None:
    """A reverse proxy connects to its server before its client has spoken."""
    door = Door(head_s=30)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as slow:
        mode = [f"reverse:http://127.0.0.1:{slow.getsockname()[1]}"]
        asked, waits, there = asyncio.Event(), asyncio.Event(), asyncio.Event()

        class Slow:
            """Behind the addons: what it is told, they know."""

            async def server_connect(self, data: Any) -> None:
                asked.set()
                await waits.wait()

            def server_connected(self, data: Any) -> None:
                there.set()

        async with start_proxy((), [*door.addons, Slow()], mode=mode) as proxy:
            client = await come(proxy, b"GET / HTTP/1.1\r\n")
            await asyncio.wait_for(asked.wait(), 60)
            door.passes(300)
            waits.set()
            await asyncio.wait_for(there.wait(), 60)
            assert door.counted == {}
            door.passes(31)
            assert await gone(client)
    assert door.counted == {"slow_head": 1}


async def body_begun(door: Door, proxy: Any, server: int) -> Streams:
    """A client that has sent a head, and is known to owe its body."""
    head = b"POST http://127.0.0.1:%d/ HTTP/1.1\r\nhost: a\r\ncontent-length: 9000\r\n\r\n"
    client = await come(proxy, head % server)
    async with asyncio.timeout(60):
        while not len(door.patience._pace):
            await asyncio.sleep(0.002)
    return client


async def test_whose_body_drips_is_left_in_time(start_proxy: Any, server: int) -> None:
    door = Door(body_s=60, min_body_bytes_per_s=100)
    async with start_proxy(ALL_PATCHES, door.addons) as proxy:
        client = await body_begun(door, proxy, server)
        door.passes(59)
        assert door.counted == {}
        client[1].write(b"x")
        door.passes(2)
        assert await gone(client)
    assert door.counted == {"slow_body": 1}


async def test_whose_body_comes_slowly_is_answered_in_the_end(start_proxy: Any, server: int) -> None:
    door = Door(body_s=60, min_body_bytes_per_s=100)
    async with start_proxy(ALL_PATCHES, door.addons) as proxy:
        reader, writer = await body_begun(door, proxy, server)
        (stretch,) = door.patience._pace._stretches.values()
        writer.write(b"x" * 7000)
        async with asyncio.timeout(60):
            while stretch.body.size < 7000:
                await asyncio.sleep(0.002)
        door.passes(61)
        writer.write(b"x" * 2000)
        await asyncio.wait_for(reader.readuntil(b"ok"), 60)
        door.passes(500)  # it owes nothing any more
        assert not await gone((reader, writer), 0.3)
    assert door.counted == {}


async def test_who_is_not_read_is_not_late_and_held_clients_are_counted(start_proxy: Any) -> None:
    """A body that streams to a server which takes minutes to be connected to: 1 MiB of it is read, and no more."""
    door, connected = Door(body_s=60, min_body_bytes_per_s=100), asyncio.Event()

    class Slow:
        def requestheaders(self, flow: Any) -> None:
            flow.request.stream = True

        async def server_connect(self, data: Any) -> None:
            await connected.wait()
            data.server.error = "nobody there"

    head = b"POST http://127.0.0.1:9/ HTTP/1.1\r\nhost: a\r\ncontent-length: 99000000\r\n\r\n"
    async with start_proxy(ALL_PATCHES, [*door.addons, Slow()]) as proxy:
        reader, writer = await come(proxy, head)
        writer.write(bytes(8_000_000))
        async with asyncio.timeout(60):
            while not door.metrics.samples([HELD_TOTAL]):
                await asyncio.sleep(0.005)
        door.passes(300)
        door.passes(300)
        assert door.counted == {}
        connected.set()
        assert (await asyncio.wait_for(reader.readline(), 60)).startswith(b"HTTP/1.1 502 ")
        writer.transport.abort()
    assert door.metrics.samples([HELD_TOTAL])[0].values[0] == 1
    assert door.counted == {}


@pytest.mark.parametrize(
    "fields",
    [
        b"content-length: 4\r\ntransfer-encoding: chunked",
        b"content-length: 4\r\ncontent-length: 5",
        b"transfer-encoding: xchunked",
        b"transfer-encoding : chunked",
        b"content-length: +4",
    ],
    ids=["both", "two lengths", "unknown coding", "blank in a name", "signed length"],
)
async def test_what_mitmproxy_refuses_itself_is_counted_too(
    start_proxy: Any,
    server: int,
    fields: bytes,
) -> None:
    door = Door()
    async with start_proxy((), door.addons) as proxy:
        line = b"POST http://127.0.0.1:%d/ HTTP/1.1\r\nhost: a\r\n" % server
        reader, writer = await come(proxy, line + fields + b"\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 400 ")
        writer.close()
    assert door.counted == {"head_invalid": 1}


async def test_one_too_many_is_told_so_and_another_comes_in_when_one_leaves(start_proxy: Any) -> None:
    door = Door(max=2)
    async with start_proxy((), door.addons) as proxy:
        first, second = await come(proxy), await come(proxy)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        answer = await asyncio.wait_for(reader.read(), 60)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 5" in answer
        writer.close()
        assert (door.gauge(OPEN), door.gauge(TURNED_AWAY)) == (2, 1)
        first[1].close()
        async with asyncio.timeout(60):
            while door.gauge(OPEN) == 2:
                await asyncio.sleep(0.005)
        third = await come(proxy)
        for client in (second, third):
            assert not await gone(client, 0.3)
    assert door.counted == {"crowd": 1}
    door.clock.at_s += 61
    assert door.gauge(TURNED_AWAY) == 0


async def test_who_was_refused_before_is_counted_and_takes_no_room(start_proxy: Any) -> None:
    door = Door(max=1)

    class Refuser:
        """As `own_traffic` does."""

        def client_connected(self, client: Any) -> None:
            client.error = "Midwatch will not be its own client."

    async with start_proxy((), [Refuser(), *door.addons]) as proxy:
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            assert await asyncio.wait_for(reader.read(), 60) == b""
            writer.close()
        assert door.gauge(OPEN) == 0
    assert door.counted == {"own_traffic": 2}


async def test_where_http_is_not_spoken_first_nothing_is_said(start_proxy: Any) -> None:
    door = Door(max_per_client=1)
    async with start_proxy((), door.addons, mode=["socks5"]) as proxy:
        first = await come(proxy)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()
        assert not await gone(first, 0.3)
    assert door.counted == {"client_crowd": 1}


async def test_new_settings_hold_from_the_next_client_on(start_proxy: Any) -> None:
    door = Door()
    async with start_proxy((), door.addons) as proxy:
        settings = ConnectionSettings(max=1, head_s=5, idle_s=77, max_head_bytes=2048, body_s=9, min_body_bytes_per_s=3)
        door.arrivals.follow(settings)
        door.patience.follow(settings)
        assert proxy.master.options.tcp_timeout == 77
        assert proxy.master.options.midwatch_max_head_bytes == 2048
        assert (door.patience._pace.span_s, door.patience._pace.least_per_s) == (9, 3)
        client = await come(proxy)
        door.passes(6)
        assert await gone(client)
