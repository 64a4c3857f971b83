"""How fast the outbox of alerts drains into a webhook on this machine, and what writing down an incident takes.

The receiver is a process of its own; 5,000 messages wait, and each is marked before it is sent and after.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.row import Row, at_most
from benchmarks.session import ROOT, Session
from midwatch_alerts import Alerts
from midwatch_alerts.message import Message, MessageKind, Told
from midwatch_alerts.numbers import SENT
from midwatch_alerts.outbox import Outbox, Outgoing
from midwatch_alerts.outbox_file import OutboxFile
from midwatch_alerts.settings import Settings
from midwatch_alerts.waiting import Edits
from midwatch_core import Host, Incident, IncidentChange, Metrics, Role, Severity

WAITING = 5_000
TOLD = 1_000
TARGET = 100.0
# Each change of an incident is written down while the next one waits for it.
_MOST_MS = 10.0
_AT_ONCE = 500
_DRAINS_S = 300.0
_DETAILS = {"value": "412.80 USD", "baseline": "3.10 USD", "deviations": "8.4", "contributors": "agent build-bot 96 %"}


async def measure(session: Session) -> list[Row]:
    """Medians of the session's runs."""
    count = session.scaled(WAITING)
    drained: list[float] = []
    taken: list[float] = []
    async with _receiver() as port:
        for run in range(session.runs):
            home = session.bench.folder / f"alerts-{run}"
            drained.append(await _drain(home, port, count))
            taken.append(await _take(home, port, session.scaled(TOLD)))
    speed = statistics.median(drained)
    return [
        Row(
            name=f"outbox drained, {count:,} waiting",
            value=speed,
            unit="messages/s",
            target=f"≥ {TARGET:g}",
            ok=speed >= TARGET,
        ),
        at_most("an incident taken down for a message", statistics.median(taken), "ms", _MOST_MS),
    ]


@asynccontextmanager
async def _receiver() -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.collector"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout
    assert process.stdin
    try:
        yield int(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


def _settings(port: int) -> Settings:
    channel = {"name": "sink", "kind": "webhook", "url": f"http://127.0.0.1:{port}/"}
    return Settings.model_validate({"channels": [channel], "rate_per_minute": 0, "group_s": 3_600})


async def _drain(home: Path, port: int, count: int) -> float:
    """Messages a second, from the start of the plugin until the last one is taken."""
    file = OutboxFile(home)
    await file.open()
    for first in range(0, count, _AT_ONCE):
        going = [_outgoing(number) for number in range(first, min(first + _AT_ONCE, count))]
        await Outbox(file).put(going, Edits(), [], time.time())
    await file.close()
    plugin, host = Alerts(_settings(port)), _host(home)
    began = time.perf_counter()
    await _done(plugin.startup(host))
    await _all_sent(host.metrics, count)
    seconds = time.perf_counter() - began
    await _done(plugin.shutdown(host))
    return count / seconds


async def _all_sent(metrics: Metrics, count: int) -> None:
    async with asyncio.timeout(_DRAINS_S):
        while True:
            if sum(sample.values[0] for sample in metrics.samples({SENT})) >= count:
                return
            await asyncio.sleep(0.01)


async def _take(home: Path, port: int, count: int) -> float:
    """Milliseconds a change, until it is written down."""
    plugin, host = Alerts(_settings(port)), _host(home)
    await _done(plugin.startup(host))
    began = time.perf_counter()
    for number in range(count):
        await _done(plugin.notify(_incident(number), IncidentChange.BEGAN))
    seconds = time.perf_counter() - began
    await _done(plugin.shutdown(host))
    return seconds * 1_000 / count


async def _done(answer: Awaitable[None] | None) -> None:
    if answer is not None:
        await answer


def _host(home: Path) -> Host:
    metrics = Metrics()
    metrics.declare(Alerts().metrics())
    return Host(role=Role.CONTROL, home=home, metrics=metrics)


def _incident(number: int) -> Incident:
    at = datetime.now(UTC)
    return Incident(
        id=f"i-{number}",
        fingerprint=f"anomaly:acme:agent:{number}:cost_usd:high",
        category="anomaly",
        severity=Severity.HIGH,
        title=f"Cost of agent {number} is far above what is usual",
        tenant="acme",
        began_at=at,
        last_at=at,
        details=_DETAILS,
    )


def _outgoing(number: int) -> Outgoing:
    incident = _incident(number)
    told = Told.of(incident)
    message = Message(
        id=f"m-{number}",
        kind=MessageKind.BEGAN,
        key=f"k-{number}",
        severity=incident.severity,
        title=incident.title,
        incidents=(told,),
        made_at=incident.began_at,
    )
    return Outgoing(channel="sink", message=message, incidents=(incident.id,))
