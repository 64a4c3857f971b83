"""The lag of a worker's event loop: how late it comes to what was due, which every call in it feels."""

import asyncio
import time

from midwatch_core.metrics import MetricKind, Metrics, MetricSpec

_EVERY_S = 0.05
# Steps of a quarter from 50 µs to a second: fine enough for a 99th percentile.
_BUCKETS = tuple(round(0.000_05 * 1.25**step, 7) for step in range(45))
METRIC = MetricSpec(
    name="midwatch_loop_lag_seconds",
    kind=MetricKind.HISTOGRAM,
    help="How late the worker's event loop comes to what was due",
    buckets=_BUCKETS,
)


async def watch_lag(metrics: Metrics) -> None:
    """Measure for ever, twenty times a second."""
    while True:
        due = time.perf_counter() + _EVERY_S
        await asyncio.sleep(_EVERY_S)
        metrics.observe(METRIC.name, max(0.0, time.perf_counter() - due))
