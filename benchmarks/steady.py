"""A steady load: calls start on time, whether or not the last one is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from benchmarks.load import Client, Requests, Target, client_context, nth

_CONNECTIONS = 16


async def steady(
    target: Target,
    request: Requests,
    *,
    per_second: float,
    seconds: float,
    ended: Callable[[int], None] = lambda _: None,
) -> list[float]:
    """So many calls a second over 16 connections; the latency of each in milliseconds.

    `ended` is told the number of each call when its answer is there.
    """
    context = client_context(target.ca_file)
    clients = [Client() for _ in range(_CONNECTIONS)]
    await asyncio.gather(*(client.connect(target, context) for client in clients))
    loop = asyncio.get_running_loop()
    begin, latency_ms = loop.time(), list[float]()

    async def call(client: Client, first: int) -> None:
        for number in range(first, int(per_second * seconds), _CONNECTIONS):
            await asyncio.sleep(max(0.0, begin + number / per_second - loop.time()))
            latency_ms.append((await client.fetch(nth(request, number)))[0])
            ended(number)

    try:
        await asyncio.gather(*(call(client, number) for number, client in enumerate(clients)))
    finally:
        for client in clients:
            client.close()
    return latency_ms
