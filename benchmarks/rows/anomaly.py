"""What the watch for anomalies costs in control: an update of a metric, and the memory of ten thousand tenants."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys

from benchmarks.row import Row, at_most
from benchmarks.session import ROOT, Session

TENANTS = 10_000
_MOST_US = 50.0
_MOST_MB = 200.0


async def measure(session: Session) -> list[Row]:
    """Medians of the session's runs, each in a process of its own. All metrics of a tenant are judged."""
    tenants = session.scaled(TENANTS)
    runs = [await _run(tenants) for _ in range(session.runs)]
    return [
        at_most("anomaly, update of a metric", statistics.median(run["update_us"] for run in runs), "µs", _MOST_US),
        Row(
            name="anomaly, longest hold of the loop",
            value=statistics.median(run["step_ms"] for run in runs),
            unit="ms",
        ),
        at_most(
            f"anomaly, RSS of {tenants:,} tenants × 12 metrics",
            statistics.median(run["rss_mb"] for run in runs),
            "MB",
            _MOST_MB,
        ),
    ]


async def _run(tenants: int) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.many_tenants", str(tenants), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"benchmarks.many_tenants ended with {process.returncode}")
    found: dict[str, float] = json.loads(out)
    return found
