"""What detection costs: all shipped packs, secrets and PII over texts of many kinds and sizes, and a hit of the memo.

CPU time of this thread, over texts that were not seen before by an engine that has seen others like them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

from benchmarks.row import Row, at_most, no_more
from benchmarks.scan_texts import FRIENDLY, HOSTILE, Make, text_of
from benchmarks.session import Session
from midwatch_core.engine import Engine
from midwatch_core.memo import Memo
from midwatch_core.model.segment import Part

LIMITS_MS = {2_048: 1.0, 20_480: 5.0}
SIZES = {2_048: "2 KB", 20_480: "20 KB", 204_800: "200 KB", 1_048_576: "1 MB"}
MOST_HOSTILE = 3.0
_LINEAR = 1.5
_MEMO_US = 2.0
_HITS = 20_000
# So much of each kind is read before what is timed: a process that has run for a while knows the words of its traffic.
_WARM_BYTES = 400_000
_TIMED_BYTES = 200_000


async def measure(session: Session) -> list[Row]:
    """The median of each kind and size: friendly kinds against limits, hostile ones against the slowest friendly."""
    engine = Engine.installed()
    seen: dict[int, dict[str, float]] = {size: {} for size in SIZES}
    for kind, make in {**FRIENDLY, **HOSTILE}.items():
        _warm(engine, make, session.scale)
        for size in SIZES:
            seen[size][kind] = _median_ms(engine, make, size, session.scale)
    rows = [row for size in SIZES for row in _of_size(size, seen[size])]
    return [*rows, *_linear(seen), at_most("memo hit", memo_hit_us(), "µs", _MEMO_US)]


def _warm(engine: Engine, make: Make, scale: float) -> None:
    for size in SIZES:
        for seed in range(max(1, int(_WARM_BYTES * scale / len(SIZES) / size))):
            engine.scan(text_of(make, size, seed))


def _median_ms(engine: Engine, make: Make, size: int, scale: float) -> float:
    count = max(1, min(25, int(_TIMED_BYTES * scale / size)))
    return statistics.median(_ms(engine.scan, text_of(make, size, 10_000 + seed)) for seed in range(count))


def _ms(scan: Callable[[str], object], text: str) -> float:
    begin = time.thread_time()
    scan(text)
    return (time.thread_time() - begin) * 1000


def _of_size(size: int, seen: Mapping[str, float]) -> list[Row]:
    limit = LIMITS_MS.get(size)
    slowest = max(seen[kind] for kind in FRIENDLY)
    rows = []
    for kind in FRIENDLY:
        name = f"scan of {SIZES[size]}, {kind}"
        rows.append(
            Row(name=name, value=seen[kind], unit="ms") if limit is None else at_most(name, seen[kind], "ms", limit)
        )
    # The column `stock` is the slowest of the friendly kinds.
    hostile = [
        no_more(f"scan of {SIZES[size]}, hostile: {kind}", seen[kind], "ms", slowest, most=MOST_HOSTILE)
        for kind in HOSTILE
    ]
    return [*rows, *hostile]


def _linear(seen: Mapping[int, Mapping[str, float]]) -> list[Row]:
    """What a byte costs in the longest text, against one of 20 KB."""
    small, large = 20_480, max(SIZES)
    return [
        no_more(
            f"scan, a KB of {SIZES[large]} against one of {SIZES[small]}, {kind}",
            seen[large][kind] * 1000 / (large / 1024),
            "µs",
            seen[small][kind] * 1000 / (small / 1024),
            most=_LINEAR,
        )
        for kind in (*FRIENDLY, *HOSTILE)
    ]


def memo_hit_us() -> float:
    """Microseconds to be told what was found in a text before."""
    memo = Memo(weight=len)
    hashes = [f"{number:064x}" for number in range(1_000)]
    for one in hashes:
        memo.put("rules", "1", Part.USER, one, ())
    begin = time.thread_time()
    for number in range(_HITS):
        memo.get("rules", "1", Part.USER, hashes[number % 1_000])
    return (time.thread_time() - begin) * 1_000_000 / _HITS
