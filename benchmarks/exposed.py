"""What a suite under test says of itself: its `/metrics`."""

from __future__ import annotations

import asyncio
import re
import urllib.request

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


async def samples(port: int, name: str) -> list[tuple[dict[str, str], float]]:
    """All samples of a name, with their labels, from the console at a port."""
    lines = (_SAMPLE.match(line) for line in (await asyncio.to_thread(_metrics, port)).splitlines())
    return [(dict(_LABEL.findall(line[2] or "")), float(line[3])) for line in lines if line and line[1] == name]


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text: str = answer.read().decode()
        return text
