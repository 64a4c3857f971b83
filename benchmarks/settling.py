"""Waiting until a suite has stored all that is in its journal."""

from __future__ import annotations

import asyncio

from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient

_SETTLES_S = 300.0


async def settled(home: Home) -> None:
    """Return when what was journalled before this call is stored. Raises TimeoutError."""
    async with asyncio.timeout(_SETTLES_S):
        while not await _caught_up(home):
            pass


async def _caught_up(home: Home) -> bool:
    try:
        return bool((await LineClient(home.control_socket).ask({"op": "sync"}, timeout_s=15.0))["caught_up"])
    except ControlAbsentError:
        return False
