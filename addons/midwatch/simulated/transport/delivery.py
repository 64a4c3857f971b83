"""How an answer reaches the wire: pieces, pauses, compression and sudden death, the same for HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from email.utils import formatdate
from functools import lru_cache
from itertools import islice
from time import time
from typing import Protocol

from midwatch.simulated.call import Answer, Headers
from midwatch.simulated.script import Script
from midwatch.simulated.service import Order
from midwatch.simulated.transport.compression import Compressor

_YIELD_EVERY = 32


class Outlet(Protocol):
    """One response's place on a connection."""

    @property
    def blocked(self) -> bool:
        """Whether the peer takes no more for now; then `unblocked` waits."""

    def start(self, status: int, headers: Headers, length: int | None, framing: str) -> None:
        """Begin the response; `length` is None where it is not known."""

    def send(self, data: bytes) -> None:
        """Send a piece of the body."""

    def finish(self) -> None:
        """End the response properly."""

    async def unblocked(self) -> None:
        """Wait until the peer takes more."""

    async def die(self) -> None:
        """Close the connection without ending the response, once what was sent is out."""


def immediate(order: Order) -> bool:
    """Whether `deliver_now` can do it: a plain body and no waiting."""
    return order.answer.body is not None and not order.script.slow


def deliver_now(order: Order, outlet: Outlet) -> None:
    """Send a whole body in one go."""
    answer, script = order.answer, order.script
    body = _compressed(answer.body or b"", script)
    outlet.start(answer.status, _headers(answer, script), _length(len(body), script), script.framing)
    order.progress.events = 1
    outlet.send(body)
    outlet.finish()
    order.progress.ended = "complete"


async def deliver(order: Order, outlet: Outlet) -> None:
    """Send an answer with its pauses; ends early where the script says so."""
    answer, script = order.answer, order.script
    if script.delay_ms:
        await asyncio.sleep(script.delay_ms / 1000)
    if script.die_after == 0:
        order.progress.ended = "died"
        return await outlet.die()
    if answer.body is not None:
        return await _deliver_body(order, outlet)
    if script.framing == "length":
        return await _deliver_measured(order, outlet)
    outlet.start(answer.status, _headers(answer, script), None, script.framing)
    await _deliver_events(order, outlet)
    return None


async def _deliver_body(order: Order, outlet: Outlet) -> None:
    answer, script = order.answer, order.script
    body = _compressed(answer.body or b"", script)
    outlet.start(answer.status, _headers(answer, script), _length(len(body), script), script.framing)
    order.progress.events = 1
    if script.die_after is not None:
        outlet.send(body[: len(body) // 2])
        order.progress.ended = "died"
        return await outlet.die()
    await _send_split(body, script.split, outlet)
    outlet.finish()
    order.progress.ended = "complete"
    return None


async def _deliver_measured(order: Order, outlet: Outlet) -> None:
    """A stream under a content-length, as a caching gateway would send it."""
    answer, script = order.answer, order.script
    writes = list(_writes(answer.events, script))
    body = list(_encoded((data for _, data in writes), script))
    outlet.start(answer.status, _headers(answer, script), sum(map(len, body)), "length")
    for (count, _), data in zip(writes, body, strict=False):
        order.progress.events += count
        await _send_split(data, script.split, outlet)
    for data in body[len(writes) :]:
        outlet.send(data)
    outlet.finish()
    order.progress.ended = "complete"


async def _deliver_events(order: Order, outlet: Outlet) -> None:
    script, progress = order.script, order.progress
    compressor = Compressor(script.encoding) if script.encoding else None
    gap = script.gap_ms / 1000
    for number, (count, data) in enumerate(_writes(_scripted_events(order), script)):
        if number and gap:
            await asyncio.sleep(gap)
        elif number % _YIELD_EVERY == _YIELD_EVERY - 1:
            await asyncio.sleep(0)
        progress.events += count
        await _send_split(compressor.piece(data) if compressor else data, script.split, outlet)
    if script.die_after is not None and progress.events >= script.die_after:
        progress.ended = "died"
        return await outlet.die()
    if compressor:
        outlet.send(compressor.finish())
    outlet.finish()
    progress.ended = "complete"
    return None


def _scripted_events(order: Order) -> Iterator[bytes]:
    answer, script = order.answer, order.script
    if script.fail_after is not None:
        yield from islice(answer.events, script.fail_after)
        yield answer.failure
        return
    yield from islice(answer.events, script.die_after)


def _writes(events: Iterable[bytes], script: Script) -> Iterator[tuple[int, bytes]]:
    """Events joined to what goes out in one write, with their number."""
    if script.events_per_write == 1:
        yield from ((1, event) for event in events)
        return
    source = iter(events)
    while batch := list(islice(source, script.events_per_write)):
        yield len(batch), b"".join(batch)


def _encoded(pieces: Iterable[bytes], script: Script) -> Iterator[bytes]:
    if not script.encoding:
        yield from pieces
        return
    compressor = Compressor(script.encoding)
    yield from map(compressor.piece, pieces)
    yield compressor.finish()


def _compressed(body: bytes, script: Script) -> bytes:
    return b"".join(_encoded((body,), script)) if script.encoding else body


async def _send_split(data: bytes, split: int, outlet: Outlet) -> None:
    if not split:
        outlet.send(data)
        if outlet.blocked:
            await outlet.unblocked()
        return
    for start in range(0, len(data), split):
        outlet.send(data[start : start + split])
        await asyncio.sleep(0)
        if outlet.blocked:
            await outlet.unblocked()


def _length(length: int, script: Script) -> int | None:
    return None if script.framing in ("chunked", "close") else length


def _headers(answer: Answer, script: Script) -> Headers:
    content = () if script.no_content_type else (("content-type", answer.content_type),)
    coding = (("content-encoding", script.encoding),) if script.encoding else ()
    caching = () if answer.body is not None else (("cache-control", "no-cache"),)
    return (("date", _date(int(time()))), *content, *coding, *caching, *answer.headers)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
