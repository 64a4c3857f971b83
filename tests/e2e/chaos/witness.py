"""A witness: reads /metrics and /readyz several times a second, and remembers what was seen there."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

import httpx

_LINE = re.compile(r'^(\w+)(?:\{(?:\w+="([^"]*)",?)?[^}]*\})? ([0-9.e+-]+)$', re.MULTILINE)
_EVERY_S = 0.2
_STATES = {0.0: "closed", 1.0: "half_open", 2.0: "open"}


class Witness:
    """`seen` counts looks: by breaker state in /metrics, by breaker state and trouble in /readyz."""

    def __init__(self, console: str) -> None:
        self._web = httpx.AsyncClient(base_url=f"http://{console}", trust_env=False, timeout=30)
        self.seen: Counter[str] = Counter()

    async def watch(self) -> None:
        """Look until cancelled. A control that is away is counted too."""
        async with self._web:
            while True:
                try:
                    await self._look()
                except httpx.HTTPError:
                    self.seen["console away"] += 1
                await asyncio.sleep(_EVERY_S)

    async def number(self, name: str) -> float:
        """A metric's value now, all its labels added up. Raises httpx.HTTPError."""
        return sum(value for found, _, value in await self._metrics() if found == name)

    async def _look(self) -> None:
        for name, label, value in await self._metrics():
            if name == "midwatch_breaker" and label == "store":
                self.seen[f"metrics: store breaker {_STATES[value]}"] += 1
        health = (await self._web.get("/readyz")).json()
        self.seen[f"health: store breaker {health['parts']['breakers']['store']}"] += 1
        for trouble in health["parts"]["troubles"]:
            self.seen[f"health: trouble {trouble['category']}"] += 1

    async def _metrics(self) -> list[tuple[str, str, float]]:
        text = (await self._web.get("/metrics")).raise_for_status().text
        return [(name, label or "", float(value)) for name, label, value in _LINE.findall(text)]
