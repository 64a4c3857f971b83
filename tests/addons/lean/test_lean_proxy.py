"""The lean host relays what stock relays, and its addons see what stock's see."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import httpx
import pytest
from mitmproxy import hooks, http
from mitmproxy.proxy import commands

from midwatch.lean import ALL_PATCHES

PLAIN: tuple[()] = ()
BODY = bytes(range(256)) * 1200


class Recorder:
    """Writes down every flow hook that it is called for, in order."""

    def __init__(self, name: str, seen: list[str], *, update: bool) -> None:
        self.name = name
        self._seen = seen
        for hook, kind in hooks.all_hooks.items():
            if issubclass(kind, commands.StartHook) or (update and hook == "update"):
                setattr(self, hook, self._recording(hook))

    def _recording(self, hook: str) -> Any:
        def record(data: Any) -> None:
            path = data.request.path if isinstance(data, http.HTTPFlow) else ""
            if hook == "update":
                path = ",".join(flow.request.path for flow in data)
            self._seen.append(f"{self.name}:{hook}:{path}")

        return record


class Meddler:
    """Does to some paths what addons may do: raises, kills, answers, waits, streams, intercepts."""

    name = "meddler"

    def __init__(self, seen: list[str], *, update: bool = False) -> None:
        self._seen = seen
        self.addons = [Recorder("nested", seen, update=update)]

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if flow.request.path == "/raise":
            raise RuntimeError("an addon's mistake")
        if flow.request.path == "/kill":
            flow.kill()

    async def request(self, flow: http.HTTPFlow) -> None:
        if flow.request.path == "/wait":
            await asyncio.sleep(0.01)
            self._seen.append("meddler:waited")
        if flow.request.path == "/answer":
            flow.response = http.Response.make(418, b"tea")
        if flow.request.path == "/late-kill":
            await asyncio.sleep(0)
            flow.kill()
        if flow.request.path == "/intercept":
            flow.intercept()
            asyncio.get_running_loop().call_later(0.01, flow.resume)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        assert flow.response
        if flow.request.path == "/sse":
            flow.response.stream = lambda data: data
        if flow.request.path == "/kill-response":
            flow.kill()


async def _walk(start_proxy: Any, patches: Any, upstream: Any, *, update: bool) -> tuple[list[str], list[Any]]:
    """Drive every kind of exchange; (hooks seen, what the client saw)."""
    seen: list[str] = []
    got: list[Any] = []
    addons = [
        Recorder("first", seen, update=update),
        Meddler(seen, update=update),
        Recorder("last", seen, update=update),
    ]
    paths = [
        "/",
        "/raise",
        "/wait",
        "/answer",
        "/sse",
        "/gzip",
        "/kill",
        "/",
        "/late-kill",
        "/intercept",
        "/kill-response",
    ]
    async with start_proxy(patches, addons) as proxy:
        for scheme, port, http2 in (
            ("http", upstream.clear, False),
            ("https", upstream.tls, False),
            ("https", upstream.tls, True),
        ):
            async with proxy.client(http2=http2) as client:
                for path in paths:
                    if http2 and path in ("/sse",):
                        continue
                    got.append((scheme, path, await _ask(client, f"{scheme}://localhost:{port}{path}")))
                got.append(await _ask(client, f"{scheme}://localhost:{port}/big", BODY))
            await proxy.until_quiet()
        # An upstream that is not there.
        async with proxy.client() as client:
            got.append(await _ask(client, "http://localhost:9/gone"))
        await proxy.until_quiet()
    hooks = [line for line in seen if "midwatch_edge" not in line]  # ours, beside mitmproxy's own
    return [line.replace(str(upstream.clear), "P").replace(str(upstream.tls), "S") for line in hooks], got


async def _ask(client: httpx.AsyncClient, url: str, body: bytes = b"") -> Any:
    try:
        async with client.stream("POST", url, content=body) as response:
            raw = b"".join([chunk async for chunk in response.aiter_raw()])
            return response.status_code, response.http_version, hashlib.sha256(raw).hexdigest()
    except httpx.HTTPError as error:
        return type(error).__name__


@pytest.mark.parametrize("update", [False, True])
async def test_hooks_and_answers_equal_stock(
    start_proxy: Any, upstream: Any, caplog: pytest.LogCaptureFixture, update: bool
) -> None:
    stock_hooks, stock_answers = await _walk(start_proxy, PLAIN, upstream, update=update)
    stock_errors = [record.getMessage() for record in caplog.records]
    caplog.clear()
    lean_hooks, lean_answers = await _walk(start_proxy, ALL_PATCHES, upstream, update=update)
    assert lean_answers == stock_answers
    assert lean_hooks == stock_hooks
    assert [record.getMessage() for record in caplog.records] == stock_errors
    assert any("an addon's mistake" in line for line in stock_errors)
    assert "meddler:waited" in lean_hooks
    assert {answer[1] for answer in [a[2] for a in stock_answers if len(a) == 3 and isinstance(a[2], tuple)]} == {
        "HTTP/1.1",
        "HTTP/2",
    }


@pytest.mark.parametrize("http2", [False, True])
async def test_bytes_are_relayed_unchanged(start_proxy: Any, upstream: Any, http2: bool) -> None:
    async with start_proxy(ALL_PATCHES) as proxy, proxy.client(http2=http2) as client:
        assert [report.applied for report in proxy.master.patches.reports] == [True] * len(ALL_PATCHES)
        for size in (0, 1, 1000, len(BODY)):
            answer = await client.post(f"https://localhost:{upstream.tls}/echo", content=BODY[:size])
            assert answer.content == (BODY[:size] or b"ok")
            assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
        async with client.stream("GET", f"https://localhost:{upstream.tls}/gzip") as response:
            assert b"".join([chunk async for chunk in response.aiter_raw()]) == upstream.gzipped


async def test_event_stream_is_relayed_unchanged(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES, [Meddler([])]) as proxy, proxy.client() as client:
        answer = await client.get(f"https://localhost:{upstream.tls}/sse")
        assert answer.content == upstream.stream


@pytest.mark.parametrize("patches", [PLAIN, ALL_PATCHES], ids=["stock", "lean"])
async def test_pipelined_requests_are_answered_in_order(start_proxy: Any, upstream: Any, patches: Any) -> None:
    async with start_proxy(patches) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        bodies = [b"one", b"two!", b"three"]
        for body in bodies:
            head = (
                f"POST http://127.0.0.1:{upstream.clear}/e HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
        for body in bodies:
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).decode()
            assert head.startswith("HTTP/1.1 200")
            assert await reader.readexactly(len(body)) == body
        writer.close()


async def test_many_connections_at_once(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES, [Meddler([])]) as proxy, proxy.client() as client:

        async def one(number: int) -> bytes:
            path = ("/wait", "/echo", "/intercept")[number % 3]
            answer = await client.post(f"https://localhost:{upstream.tls}{path}", content=b"%d" % number)
            content: bytes = answer.content
            return content

        assert await asyncio.gather(*(one(n) for n in range(60))) == [b"%d" % n for n in range(60)]


@pytest.mark.parametrize("streamed", [False, True])
async def test_ends_before_the_end_are_seen_as_in_stock(start_proxy: Any, upstream: Any, streamed: bool) -> None:
    stock = await _broken(start_proxy, PLAIN, upstream, streamed)
    lean = await _broken(start_proxy, ALL_PATCHES, upstream, streamed)
    assert lean == stock
    assert sum(":error:" in line for line in lean) == 2


async def _broken(start_proxy: Any, patches: Any, upstream: Any, streamed: bool) -> list[str]:
    """Hooks and bytes when the upstream dies, and when the client leaves, in the middle of an answer."""
    seen: list[str] = []

    class Streams:
        name = "streams"

        def responseheaders(self, flow: http.HTTPFlow) -> None:
            assert flow.response
            if streamed:
                flow.response.stream = lambda data: data
            headers_seen.set()

    headers_seen = asyncio.Event()
    async with start_proxy(patches, [Recorder("r", seen, update=False), Streams()]) as proxy:
        for path, wait_for_end in (("/die", True), ("/slow", False)):
            headers_seen.clear()
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(f"GET http://127.0.0.1:{upstream.clear}{path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            await headers_seen.wait()
            if wait_for_end:
                seen.append(repr((await reader.read())[-2:]))
            writer.close()
            await proxy.until_quiet()
    return seen
