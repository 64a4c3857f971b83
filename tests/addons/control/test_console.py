"""The console's dispatcher: the longest prefix that fits answers; without any mount a word of help."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

import httpx
import pytest

from midwatch.control.console import Console, dispatcher
from midwatch_core.contributions import AsgiApp, Mount


def app_saying(name: str) -> AsgiApp:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": f"{name} {scope.get('root_path', '')}".encode()})

    return app


MOUNTS = [Mount(prefix=prefix, app=app_saying(prefix or "root")) for prefix in ("", "/api", "/api/v2")]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/", "root "),
        ("/apis", "root "),
        ("/api", "/api /api"),
        ("/api/v1", "/api /api"),
        ("/api/v2/x", "/api/v2 /api/v2"),
    ],
)
async def test_the_longest_prefix_that_fits_answers(path: str, says: str) -> None:
    transport = httpx.ASGITransport(app=dispatcher(MOUNTS))
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
        assert (await client.get(path)).text == says


async def test_without_mounts_there_is_a_word_of_help() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=dispatcher([])), base_url="http://c") as client:
        answer = await client.get("/")
    assert answer.status_code == 404
    assert "web plugin" in answer.text


async def test_it_serves_on_a_bound_socket_and_closes_with_a_stream_open() -> None:
    streaming = asyncio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        streaming.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    sock = socket.create_server(("127.0.0.1", 0))
    console = Console([Mount(prefix="", app=endless)])
    console.start(sock)
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection(*sock.getsockname()[:2])
        writer.write(b"GET / HTTP/1.1\r\nhost: c\r\n\r\n")
        await streaming.wait()
        await console.close()
        await reader.read()
    writer.close()


async def test_it_closes_though_a_client_comes_again_at_once() -> None:
    """It still listens for a moment after its connections were cut."""
    streaming = asyncio.Semaphore(0)

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        streaming.release()
        while (await receive())["type"] != "http.disconnect":
            pass

    async def ask_for_ever() -> None:
        while True:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"GET / HTTP/1.1\r\nhost: c\r\n\r\n")
            with suppress(ConnectionError):
                await reader.read()
            writer.close()

    sock = socket.create_server(("127.0.0.1", 0))
    address = sock.getsockname()[:2]
    console = Console([Mount(prefix="", app=endless)])
    console.start(sock)
    asking = asyncio.create_task(ask_for_ever())
    async with asyncio.timeout(60):
        await streaming.acquire()
        await console.close()
        with pytest.raises(ConnectionError):
            await asking


async def test_one_that_never_started_closes() -> None:
    await Console([]).close()
