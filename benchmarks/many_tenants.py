"""Ten thousand tenants watched for some minutes, in a process of its own: `python -m benchmarks.many_tenants TENANTS`.

Prints as JSON what an update of a metric takes of the processor, and the longest step (of judging a bucket, and of
looking at the open one); and how much the process grew. What was there before is set aside from Python's collector of
garbage, as the control process does once it has started: a look at all modules takes some 50 ms in one piece.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import time
from collections.abc import Iterable

from benchmarks.procstat import rss_mb
from midwatch_anomaly.change import Metric
from midwatch_anomaly.measuring import Measurement
from midwatch_anomaly.settings import Settings
from midwatch_anomaly.watching import Watcher

# Long enough for all of them to be judged, and not only learned.
_MINUTES = 46
_MEASURED = 5
_SETTINGS = Settings(warm_up_h=0, min_samples=10)
# Calls of one tenant in a minute: enough for means and rates too.
_CALLS = 25


def measure(tenants: int) -> dict[str, float]:
    """Microseconds of the processor an update of one metric, milliseconds of the longest step, megabytes in all."""
    gc.collect()
    gc.freeze()
    before = rss_mb([os.getpid()])
    chance = random.Random(8)  # for traffic
    watcher = Watcher(_SETTINGS)
    took: list[float] = []
    steps: list[float] = []
    for minute in range(_MINUTES):
        watcher.take(minute * 60.0, (_measurement(number, chance) for number in range(tenants)))
        looking = _timed(watcher.early_steps(minute * 60.0 + 30)) if minute >= _MINUTES - _MEASURED else []
        judging = _timed(watcher.steps(minute * 60.0 + 60))
        steps += looking + judging
        took.append(sum(judging))
    updates = tenants * len(Metric)
    return {
        "update_us": sorted(took[-_MEASURED:])[_MEASURED // 2] / updates * 1e6,
        "step_ms": max(steps[-len(steps) // 2 :]) * 1e3,
        "rss_mb": rss_mb([os.getpid()]) - before,
    }


def _timed(steps: Iterable[object]) -> list[float]:
    """Seconds of the processor that each step takes."""
    took: list[float] = []
    last = time.process_time()
    for _ in steps:
        now = time.process_time()
        took.append(now - last)
        last = now
    return took


def _measurement(number: int, chance: random.Random) -> Measurement:
    calls = round(_CALLS * chance.uniform(0.8, 1.5))
    return Measurement(
        tenant=f"tenant-{number}",
        calls=calls,
        errors=int(chance.random() < 0.1),
        findings=int(chance.random() < 0.1),
        cost_usd=calls * chance.lognormvariate(-4, 1),
        input_tokens=calls * chance.lognormvariate(8, 1),
        output_tokens=calls * chance.lognormvariate(6, 1),
        latency_ms=calls * chance.lognormvariate(7, 0.5),
        timed=calls,
        ttft_ms=calls * chance.lognormvariate(5, 0.5),
        first_timed=calls,
    )


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
