"""WebSocket messages without an end or without measure close their socket; large ones pass."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from midwatch.lean import ALL_PATCHES, patches_named, socket_bounds

ALONE = patches_named(["socket-bounds"])
PATCHES = pytest.mark.parametrize("patches", [ALONE, ALL_PATCHES], ids=["alone", "lean"])
BOUND = 256 * 1024
# Eight megabytes, a thirtieth of that on the wire: more than one read of the proxy.
BOMB = "".join(f"{number * 7919 % 65_536:04x}" + "x" * 150 for number in range(54_000))


class Far:
    """A server that sends a message as large as it is asked for, or one in frames that never end."""

    def __init__(self) -> None:
        self.port = 0
        self.closed: list[int] = []

    async def serve(self, socket: ServerConnection) -> None:
        try:
            async for message in socket:
                await socket.send(self._answer(str(message)))
        finally:
            self.closed.append(socket.close_code or 0)

    def _answer(self, asked: str) -> str | AsyncIterator[str]:
        if asked in ("endless", "empty"):
            return self._frames(asked)
        return BOMB if asked == "bomb" else "x" * int(asked)

    async def _frames(self, kind: str) -> AsyncIterator[str]:
        while True:
            yield "y" * 5000 if kind == "endless" else ""
            await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    monkeypatch.setattr(socket_bounds, "MAX_MESSAGE_BYTES", BOUND)
    monkeypatch.setattr(socket_bounds, "MAX_FRAMES", 1000)
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
async def connected(start_proxy: Any, far: Far, patches: Any, compression: str | None) -> AsyncIterator[Any]:
    async with start_proxy(patches) as proxy:
        context = ssl.create_default_context(cafile=str(proxy.trust.confdir / "mitmproxy-ca-cert.pem"))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        through: dict[str, Any] = {"proxy": f"http://127.0.0.1:{proxy.port}", "compression": compression}
        async with connect(f"wss://localhost:{far.port}/", ssl=context, max_size=None, **through) as socket:
            yield socket


@PATCHES
@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize("kind", ["endless", "empty"])
async def test_a_message_without_an_end(start_proxy: Any, far: Far, patches: Any, compression: Any, kind: str) -> None:
    async with connected(start_proxy, far, patches, compression) as socket:
        await socket.send(kind)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 60)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


@PATCHES
async def test_what_grows_beyond_the_bound_when_it_is_inflated(start_proxy: Any, far: Far, patches: Any) -> None:
    async with connected(start_proxy, far, patches, "deflate") as socket:
        await socket.send("bomb")
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 60)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


@PATCHES
@pytest.mark.parametrize("compression", ["deflate", None])
async def test_messages_up_to_the_bound_pass(start_proxy: Any, far: Far, patches: Any, compression: Any) -> None:
    async with connected(start_proxy, far, patches, compression) as socket:
        for size in (1, BOUND - 100, 5):
            await socket.send(str(size))
            assert await asyncio.wait_for(socket.recv(), 60) == "x" * size
