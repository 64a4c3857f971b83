"""Bad and useless HTTP/2 frames through a real proxy: their connection ends, and other clients notice nothing."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hyperframe.frame import GoAwayFrame

from midwatch.lean import ALL_PATCHES, patches_named
from midwatch.lean.edges import Edge
from midwatch.lean.leftovers import Leftovers
from tests.addons.lean.http2_frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PUSH,
    RST,
    SETTINGS,
    WINDOW,
    frame,
    frames_in,
    head,
    made_to_reset,
    number,
    rapid_reset,
)

ALONE = patches_named(["http2-bounds"])
CALM = 11


class Listener:
    """An addon that hears of edges."""

    name = "listener"

    def __init__(self) -> None:
        self.edges: list[Edge] = []

    def midwatch_edge(self, edge: Edge) -> None:
        self.edges.append(edge)


@pytest.fixture(autouse=True)
def nothing_crashes(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def connected(proxy: Any, upstream: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An HTTP/2 connection through the proxy that has said nothing yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"CONNECT localhost:%d HTTP/1.1\r\n\r\n" % upstream.tls)
    await reader.readuntil(b"\r\n\r\n")
    trust = ssl.create_default_context(cafile=str(proxy.trust.confdir / "mitmproxy-ca-cert.pem"))
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
    trust.set_alpn_protocols(["h2"])
    await writer.start_tls(trust, server_hostname="localhost")
    return reader, writer


async def goodbye(proxy: Any, upstream: Any, data: bytes) -> list[int] | None:
    """Error codes of the GOAWAY frames that end a connection on which this is sent; None where it is not ended."""
    reader, writer = await connected(proxy, upstream)
    got = b""
    try:
        for at in range(0, len(data), 65536):
            writer.write(data[at : at + 65536])
            await writer.drain()
        async with asyncio.timeout(30):
            while piece := await reader.read(65536):
                got += piece
    except TimeoutError:
        return None
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.transport.abort()
    return [int(item.error_code) for item in frames_in(got) if isinstance(item, GoAwayFrame)]


MALFORMED = {
    "data-on-0": frame(DATA, 0, 0, b"x"),
    "headers-on-0": frame(HEADERS, END_HEADERS | END_STREAM, 0, head()),
    "settings-on-1": frame(SETTINGS, 0, 1),
    "settings-of-no-length": frame(SETTINGS, 0, 0, b"abc"),
    "settings-ack-with-body": frame(SETTINGS, 1, 0, b"\0\1\0\0\0\0"),
    "settings-window-too-large": frame(SETTINGS, 0, 0, b"\0\4\xff\xff\xff\xff"),
    "settings-frame-too-small": frame(SETTINGS, 0, 0, b"\0\5\0\0\0\1"),
    "ping-on-1": frame(PING, 0, 1, b"12345678"),
    "ping-of-no-length": frame(PING, 0, 0, b"123"),
    "even-stream": frame(HEADERS, END_HEADERS | END_STREAM, 2, head()),
    "stream-of-the-past": frame(HEADERS, 5, 5, head()) + frame(HEADERS, 5, 3, head()),
    "continuation-of-nothing": frame(CONTINUATION, END_HEADERS, 1),
    "data-in-a-head": frame(HEADERS, 0, 1, head()) + frame(DATA, 0, 1, b"x"),
    "stream-of-itself": frame(PRIORITY, 0, 3, number(3) + b"\1"),
    "reset-of-nothing": frame(RST, 0, 9, number(8)),
    "window-of-0": frame(HEADERS, 5, 1, head()) + frame(WINDOW, 0, 0, number(0)),
    "window-overflow": frame(WINDOW, 0, 0, number(2**31 - 1)) * 2,
    "push-of-a-client": frame(HEADERS, 5, 1, head()) + frame(PUSH, END_HEADERS, 1, number(2) + head()),
    "hpack-of-nothing": frame(HEADERS, 5, 1, b"\xff" * 6),
    "hpack-table-too-large": frame(HEADERS, 5, 1, b"\x3f\xe1\xff\xff\x07" + head()),
    "padding-too-long": frame(HEADERS, 5 | PADDED, 1, b"\xff" + head()),
    "frame-too-long": frame(DATA, 0, 1, b"x" * 200_000, length=0xFFFFFF),
    "preface-of-another": b"",
}
SMUGGLED = {
    "upper-case": ("X-Upper", "1"),
    "connection": ("connection", "keep-alive"),
    "transfer-encoding": ("transfer-encoding", "chunked"),
    "te": ("te", "gzip"),
    "value-crlf": ("x", "a\r\nhost: b"),
    "value-nul": ("x", "a\0b"),
    "name-crlf": ("x\r\ny", "z"),
    "name-colon": ("x:", "y"),
    "two-paths": (":path", "/"),
    "pseudo-of-none": (":x", "y"),
    "host-of-another": ("host", "evil.example"),
}
FLOODS: dict[str, Callable[[], bytes]] = {
    "rapid-reset": lambda: rapid_reset(2_000),
    "made-to-reset": lambda: made_to_reset(2_000),
    "pings": lambda: frame(PING, 0, 0, b"12345678") * 60_000,
    "settings": lambda: frame(SETTINGS, 0, 0, b"\0\4\0\0\xff\xff") * 60_000,
    "priorities": lambda: b"".join(frame(PRIORITY, 0, at * 2 + 1, number(0) + b"\1") for at in range(60_000)),
    "empty-data": lambda: frame(HEADERS, END_HEADERS, 1, head(method="POST")) + frame(DATA, 0, 1) * 60_000,
    "unknown": lambda: frame(0x99, 0, 0) * 60_000,
    "continuations": lambda: frame(HEADERS, 0, 1, head()) + frame(CONTINUATION, 0, 1) * 60_000,
    "continuations-that-are-large": lambda: (
        frame(HEADERS, 0, 1, head()) + frame(CONTINUATION, 0, 1, b"\0" * 100_000) * 9
    ),
    "head-that-unpacks": lambda: frame(HEADERS, 5, 1, head(("x", "v" * 4000)) + b"\xbe" * 60_000),
}


async def test_a_malformed_frame_ends_its_connection_and_no_other(start_proxy: Any, upstream: Any) -> None:
    listener = Listener()
    async with start_proxy(ALL_PATCHES, [listener, Leftovers()]) as proxy, proxy.client(http2=True) as other:
        for name, data in MALFORMED.items():
            begin = (
                b"GET / HTTP/1.1\r\n\r\n" + b"\0" * 30
                if name == "preface-of-another"
                else PREFACE + frame(SETTINGS, 0, 0)
            )
            assert await goodbye(proxy, upstream, begin + data), name
            assert (await other.get(f"https://localhost:{upstream.tls}/gzip")).status_code == 200, name
    assert [edge.kind for edge in listener.edges] == ["http2"] * len(MALFORMED)


async def test_a_field_that_would_be_two_in_http_1_ends_its_connection(start_proxy: Any, upstream: Any) -> None:
    listener = Listener()
    async with start_proxy(ALL_PATCHES, [listener, Leftovers()]) as proxy:
        for name, field in SMUGGLED.items():
            sent = PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 5, 1, head(field))
            assert await goodbye(proxy, upstream, sent), name
    assert [edge.kind for edge in listener.edges] == ["http2"] * len(SMUGGLED)


@pytest.mark.parametrize("patches", [ALONE, ALL_PATCHES], ids=["alone", "lean"])
@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_ends_its_connection(start_proxy: Any, upstream: Any, patches: Any, flood: str) -> None:
    listener = Listener()
    async with start_proxy(patches, [listener, Leftovers()]) as proxy, proxy.client(http2=True) as other:
        codes = await goodbye(proxy, upstream, PREFACE + frame(SETTINGS, 0, 0) + FLOODS[flood]())
        assert codes is not None
        assert [edge.kind for edge in listener.edges] == ["http2"]
        assert (await other.get(f"https://localhost:{upstream.tls}/gzip")).status_code == 200


async def test_who_sends_too_much_is_told_to_calm_down(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALONE, [Leftovers()]) as proxy:
        reader, writer = await connected(proxy, upstream)
        writer.write(PREFACE + frame(SETTINGS, 0, 0) + rapid_reset(800) + frame(PING, 0, 0, b"still on"))
        got = await asyncio.wait_for(reader.readuntil(b"still on"), 30)
        writer.write(rapid_reset(1_400)[len(rapid_reset(800)) :])
        async with asyncio.timeout(30):
            while piece := await reader.read(65536):
                got += piece
        writer.close()
    assert CALM in [int(item.error_code) for item in frames_in(got) if isinstance(item, GoAwayFrame)]


async def test_stock_answers_as_fast_as_they_come(start_proxy: Any, upstream: Any) -> None:
    """Why the patch is there."""
    async with start_proxy(()) as proxy:
        reader, writer = await connected(proxy, upstream)
        writer.write(PREFACE + frame(SETTINGS, 0, 0) + frame(PING, 0, 0, b"12345678") * 3_000)
        async with asyncio.timeout(60):
            for _ in range(3_000):
                await reader.readuntil(b"12345678")
        writer.close()


async def test_clients_that_cancel_and_upload_are_let_be(start_proxy: Any, upstream: Any) -> None:
    """Some hundred resets at once, as of a client that ends its calls; and megabytes, with the updates they bring."""
    async with start_proxy(ALL_PATCHES, [Leftovers()]) as proxy, proxy.client(http2=True) as other:
        reader, writer = await connected(proxy, upstream)
        writer.write(PREFACE + frame(SETTINGS, 0, 0) + rapid_reset(400))
        writer.write(frame(PING, 0, 0, b"still on"))
        await asyncio.wait_for(reader.readuntil(b"still on"), 60)
        writer.transport.abort()
        body = bytes(range(256)) * 16_384
        answer = await other.post(f"https://localhost:{upstream.tls}/echo", content=body)
        assert answer.content == body
