"""Those who look at a running suite, in a process of their own that gives way to all others: `lookers PORT`.

A browser asks for the overview every 2 s, five readers follow the live tail, Prometheus scrapes every 5 s, until
standard input ends. They read and throw away: what a browser does with it costs other machines.
"""

from __future__ import annotations

import asyncio
import os
import sys

TAILS = 5
_OVERVIEW_S, _SCRAPE_S = 2.0, 5.0
_GIVES_WAY = 19


async def look(port: int) -> None:
    """Look until told to stop. Raises RuntimeError where an answer is not what it should be."""
    async with asyncio.TaskGroup() as readers:
        tasks = [
            readers.create_task(_again(port, "/", _OVERVIEW_S)),
            readers.create_task(_again(port, "/metrics", _SCRAPE_S)),
            *(readers.create_task(_read(port, "/api/v1/live")) for _ in range(TAILS)),
        ]
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()


async def _again(port: int, path: str, pause_s: float) -> None:
    while True:
        await _read(port, path)
        await asyncio.sleep(pause_s)


async def _read(port: int, path: str) -> None:
    """Read an answer to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n".encode())
    try:
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"{path}: {status!r}")
        while await reader.read(1 << 20):
            pass
    finally:
        writer.close()


if __name__ == "__main__":
    os.nice(_GIVES_WAY)
    asyncio.run(look(int(sys.argv[1])))
