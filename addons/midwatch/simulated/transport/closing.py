"""The sudden end of a connection."""

from __future__ import annotations

import asyncio

_ATTEMPTS = 1000


async def abort_when_sent(transport: asyncio.Transport) -> None:
    """Close without an end, after what was written is out (at most a second later)."""
    for _ in range(_ATTEMPTS):
        if not transport.get_write_buffer_size():
            break
        await asyncio.sleep(0.001)
    transport.abort()
