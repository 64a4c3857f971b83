"""Messages of an addon's own on a WebSocket: in their place with the patch, later without it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from mitmproxy import http
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from midwatch.lean import ALL_PATCHES, patches_named
from midwatch.lean.socket_asides import is_aside, say

PLAIN: tuple[()] = ()
ALONE = patches_named(["socket-asides"])
PATCHES = pytest.mark.parametrize("patches", [ALONE, ALL_PATCHES], ids=["alone", "lean"])
LONG = "x" * 9000


class Talking:
    """Says things before a server's `tell` and instead of a client's `drop`; `seen` is what it was called for."""

    name = "talking"

    def __init__(self, *, waits: bool = False) -> None:
        self.seen: list[str] = []
        self._waits = waits

    async def websocket_message(self, flow: http.HTTPFlow) -> None:
        assert flow.websocket
        message = flow.websocket.messages[-1]
        if is_aside(flow, message):
            return
        self.seen.append(message.text)
        if self._waits:
            await asyncio.sleep(0.02)
        if message.text == "tell":
            say(flow, b"first", to_client=True)
            say(flow, LONG.encode(), to_client=True)
        elif message.text == "drop":
            message.drop()
            say(flow, b"no", to_client=True)
            say(flow, b"stop", to_client=False)


@dataclass
class Far:
    """A server that sends what it is asked for: `tell`, and a message in two frames, the last when it is let go."""

    port: int = 0
    got: list[str] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, socket: ServerConnection) -> None:
        async for message in socket:
            self.got.append(str(message))
            if message == "go":
                await socket.send("tell")
                await socket.send(self._halves())
                await socket.send("end")
            else:
                await socket.send(f"got {message!s}")

    async def _halves(self) -> AsyncIterator[str]:
        yield "half "
        await self.let_go.wait()
        yield "and half"


@pytest.fixture(autouse=True)
def nothing_crashes(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture
async def far(trust: Any) -> AsyncIterator[Far]:
    made = Far()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trust.leaf)
    async with serve(made.serve, "127.0.0.1", 0, ssl=context) as server:
        made.port = next(iter(server.sockets)).getsockname()[1]
        yield made


@contextlib.asynccontextmanager
async def connected(proxy: Any, far: Far, *, compression: str | None = "deflate") -> AsyncIterator[ClientConnection]:
    context = ssl.create_default_context(cafile=str(proxy.trust.confdir / "mitmproxy-ca-cert.pem"))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    through = f"http://127.0.0.1:{proxy.port}"
    url = f"wss://localhost:{far.port}/talk"
    async with connect(url, ssl=context, proxy=through, compression=compression) as socket:
        yield socket


@PATCHES
@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize("waits", [False, True])
async def test_they_go_out_before_the_message_that_they_were_said_for(
    start_proxy: Any, far: Far, patches: Any, compression: str | None, waits: bool
) -> None:
    addon = Talking(waits=waits)
    async with start_proxy(patches, [addon]) as proxy, connected(proxy, far, compression=compression) as socket:
        assert any(item.name == "permessage-deflate" for item in socket.protocol.extensions) is bool(compression)
        await socket.send("go")
        assert [await socket.recv() for _ in range(3)] == ["first", LONG, "tell"]
        far.let_go.set()
        assert [await socket.recv() for _ in range(2)] == ["half and half", "end"]
    assert addon.seen == ["go", "tell", "half and half", "end"]


@PATCHES
async def test_instead_of_a_message_and_to_the_other_side(start_proxy: Any, far: Far, patches: Any) -> None:
    async with start_proxy(patches, [Talking()]) as proxy, connected(proxy, far) as socket:
        await socket.send("drop")
        assert [await socket.recv() for _ in range(2)] == ["no", "got stop"]
        await socket.send("on")
        assert await socket.recv() == "got on"
    assert far.got == ["stop", "on"]


async def test_stock_sends_them_too_later(start_proxy: Any, far: Far) -> None:
    """Why the patch is there."""
    addon = Talking()
    async with start_proxy(PLAIN, [addon]) as proxy, connected(proxy, far) as socket:
        await socket.send("drop")
        assert {await socket.recv() for _ in range(2)} == {"no", "got stop"}
        await socket.send("on")
        assert await socket.recv() == "got on"
    assert addon.seen == ["drop", "got stop", "on", "got on"]


@PATCHES
async def test_what_is_said_to_one_who_has_gone_is_forgotten(start_proxy: Any, far: Far, patches: Any) -> None:
    async with start_proxy(patches, [Talking(waits=True)]) as proxy:
        async with connected(proxy, far) as socket:
            await socket.send("drop")
            socket.transport.abort()
        await proxy.until_quiet()
        async with connected(proxy, far) as other:
            await other.send("on")
            assert await other.recv() == "got on"


class Watching:
    """Writes down the hooks of a WebSocket."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.name = name
        self._seen = seen

    def websocket_start(self, flow: http.HTTPFlow) -> None:
        self._seen.append(f"{self.name} start")

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        assert flow.websocket
        self._seen.append(f"{self.name} {flow.websocket.messages[-1].text}")

    async def websocket_end(self, flow: http.HTTPFlow) -> None:
        await asyncio.sleep(0)
        self._seen.append(f"{self.name} end")


@pytest.mark.parametrize("patches", [PLAIN, ALL_PATCHES], ids=["stock", "lean"])
async def test_hooks_come_in_stocks_order(start_proxy: Any, far: Far, patches: Any) -> None:
    seen: list[str] = []
    async with start_proxy(patches, [Watching("one", seen), Watching("two", seen)]) as proxy:
        async with connected(proxy, far) as socket:
            for message in ("a", "b"):
                await socket.send(message)
                await socket.recv()
        await proxy.until_quiet()
    hooks = ("start", "a", "got a", "b", "got b", "end")
    assert seen == [f"{name} {hook}" for hook in hooks for name in ("one", "two")]
