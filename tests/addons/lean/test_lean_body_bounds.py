"""The body of an HTTP/1 message through a real proxy: what is no content has an end, and a request's is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from midwatch.lean import ALL_PATCHES, patches_named
from midwatch.lean.arriving import Arriving
from midwatch.lean.edges import BODY_BEGUN
from midwatch.lean.head_bounds import DEFAULT_BYTES
from midwatch.lean.leftovers import Leftovers
from tests.addons.lean.test_lean_head_bounds import (
    Listener,
    Server,
    nothing_crashes,  # noqa: F401  # a fixture
    request_to,
    said,
    server,  # noqa: F401  # a fixture
)

PATCHED = pytest.mark.parametrize("patches", [patches_named(["body-bounds"]), ALL_PATCHES], ids=["alone", "lean"])
CHUNKED = b"Transfer-Encoding: chunked"


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.002)


def size_is(body: Arriving, size: int) -> bool:
    return body.size == size


async def nth_shown(listener: Listener, number: int) -> Arriving:
    await until(lambda: len(shown(listener)) == number)
    return shown(listener)[-1]


def shown(listener: Listener) -> list[Arriving]:
    return [edge.body for edge in listener.edges if edge.kind == BODY_BEGUN and edge.body is not None]


@PATCHED
@pytest.mark.parametrize("begin", [b"3;", b"3\r\nabc\r\n0\r\nx: "], ids=["extension", "trailer"])
async def test_a_chunk_s_head_has_an_end_and_so_have_trailers(
    start_proxy: Any,
    server: Server,  # noqa: F811
    patches: Any,
    begin: bytes,
) -> None:
    listener = Listener()
    async with start_proxy(patches, [listener, Leftovers()]) as proxy:
        await said(proxy, request_to(server, CHUNKED), begin, *[b"y" * 8192] * 16)
        assert listener.kinds == ["head_size"]
        assert [body.ended for body in shown(listener)] == [True]
        server.answer = b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % CHUNKED + begin + b"y" * (2 * DEFAULT_BYTES)
        assert (await said(proxy, request_to(server))).startswith(b"HTTP/1.1 502 ")


@PATCHED
async def test_large_chunks_pass(start_proxy: Any, server: Server, patches: Any) -> None:  # noqa: F811
    body = b"%x\r\n%s\r\n" % (10 * DEFAULT_BYTES, b"z" * 10 * DEFAULT_BYTES)
    async with start_proxy(patches) as proxy:
        answer = await said(proxy, request_to(server, CHUNKED), body, b"0\r\n\r\n")
        assert answer.endswith(b"ok")
    assert server.seen.count(b"z") == 10 * DEFAULT_BYTES


@PATCHED
@pytest.mark.parametrize("chunk", [b"0x3\r\nabc\r\n", b"-1\r\n", b"3\r\nabcde\r\n"], ids=["prefix", "sign", "length"])
async def test_chunks_that_are_none_are_told_of_and_reach_nobody(
    start_proxy: Any,
    server: Server,  # noqa: F811
    patches: Any,
    chunk: bytes,
) -> None:
    listener = Listener()
    async with start_proxy(patches, [listener, Leftovers()]) as proxy:
        await said(proxy, request_to(server, CHUNKED), chunk + b"0\r\n\r\n")
        assert listener.kinds == ["body_form"]
    assert server.seen == b""


@PATCHED
async def test_a_body_that_drips_is_shown_until_its_end_and_one_that_is_whole_never(
    start_proxy: Any,
    server: Server,  # noqa: F811
    patches: Any,
) -> None:
    listener = Listener()
    async with start_proxy(patches, [listener]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        for number in (1, 2):  # each body of a connection is one of its own
            writer.write(request_to(server, b"Content-Length: 3") + b"a")
            body = await nth_shown(listener, number)
            assert (body.size, body.ended) == (0, False)
            writer.write(b"b")
            await until(partial(size_is, body, 1))
            writer.write(b"c")
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            assert (body.size, body.ended) == (2, True)
        for whole in (request_to(server), request_to(server, b"Content-Length: 3") + b"abc"):
            writer.write(whole)
            await reader.readuntil(b"ok")
        writer.close()
    assert len(shown(listener)) == 2


@PATCHED
async def test_who_leaves_in_the_middle_of_a_body_is_no_attacker(
    start_proxy: Any,
    server: Server,  # noqa: F811
    patches: Any,
) -> None:
    listener = Listener()
    async with start_proxy(patches, [listener]) as proxy:
        for begin in (request_to(server, CHUNKED) + b"3\r\na", request_to(server, b"Content-Length: 3") + b"a"):
            _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(begin)
            writer.close()
        await until(lambda: len(shown(listener)) == 2)
    assert listener.kinds == []


async def test_a_tunnel_has_no_body(start_proxy: Any, server: Server) -> None:  # noqa: F811
    listener = Listener()
    async with start_proxy(ALL_PATCHES, [listener]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nhost: a\r\n\r\n" % server.port)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\0some other protocol\r\n\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.close()
    assert listener.edges == []
