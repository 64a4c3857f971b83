"""A TLS client's first message through a real proxy: it has an end, and a bad one breaks and logs nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from midwatch.lean import ALL_PATCHES, patches_named
from midwatch.lean.hello_bounds import MAX_BYTES
from midwatch.lean.leftovers import Leftovers

PATCHED = pytest.mark.parametrize("patches", [patches_named(["hello-bounds"]), ALL_PATCHES], ids=["alone", "lean"])
# The begin of a ClientHello (RFC 8446, section 4) of 16 MB.
HUGE = b"\x01\xff\xff\xff"


def record(body: bytes) -> bytes:
    """A TLS record of the handshake protocol."""
    return b"\x16\x03\x01" + len(body).to_bytes(2) + body


async def left_alone(proxy: Any, upstream: Any, data: bytes, piece: int) -> bool:
    """Whether a client that begins TLS with these bytes in a tunnel is still there afterwards."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"CONNECT localhost:%d HTTP/1.1\r\n\r\n" % upstream.tls)
    await reader.readuntil(b"\r\n\r\n")
    try:
        for at in range(0, len(data), piece):
            writer.write(data[at : at + piece])
            await writer.drain()
            await asyncio.sleep(0.0005)  # a piece of its own
        return await asyncio.wait_for(reader.read(1), 60) != b""
    except TimeoutError:
        return True
    except ConnectionError:
        return False
    finally:
        writer.close()


@pytest.fixture(autouse=True)
def nothing_crashes(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert all(len(record.getMessage()) < 300 for record in caplog.records)


@PATCHED
async def test_a_hello_that_does_not_end_ends_its_connection(start_proxy: Any, upstream: Any, patches: Any) -> None:
    large = b"".join(record(HUGE + b"\0" * 16000 if at == 0 else b"\0" * 16000) for at in range(40))
    async with start_proxy(patches, [Leftovers()]) as proxy:
        assert not await left_alone(proxy, upstream, large, 65536)


@PATCHED
async def test_a_hello_in_crumbs_ends_its_connection(start_proxy: Any, upstream: Any, patches: Any) -> None:
    crumbs = b"".join(record(HUGE[at : at + 1] or b"\0") for at in range(MAX_BYTES // 12))
    async with start_proxy(patches, [Leftovers()]) as proxy:
        assert not await left_alone(proxy, upstream, crumbs, 6)


@PATCHED
async def test_a_hello_that_is_none_ends_its_connection_with_all_that_follows(
    start_proxy: Any, upstream: Any, patches: Any
) -> None:
    bad = record(b"") + record(b"\x01\x00\x00\x02\x03\x03") + b"\x17\x03\x03\x00\x05hello" * 20_000
    async with start_proxy(patches, [Leftovers()]) as proxy:
        assert not await left_alone(proxy, upstream, bad, 4096)


@PATCHED
async def test_clients_say_hello_as_ever(start_proxy: Any, upstream: Any, patches: Any) -> None:
    async with start_proxy(patches) as proxy, proxy.client(http2=True) as client:
        answer = await client.post(f"https://localhost:{upstream.tls}/echo", content=b"hello")
        assert (answer.content, answer.http_version) == (b"hello", "HTTP/2")
