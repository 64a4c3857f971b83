"""How the engine does, as metrics: how long calls and their review wait for it, and what the memo spares."""

from collections.abc import Iterable
from typing import Any

from midwatch_core.memo import Memo
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec

SECONDS = "midwatch_scan_seconds"
_HITS = "midwatch_memo_hits_total"
_MISSES = "midwatch_memo_misses_total"
_ENTRIES = "midwatch_memo_entries"

METRICS = (
    MetricSpec(
        name=SECONDS,
        kind=MetricKind.HISTOGRAM,
        help="Time to rule on a request before it goes out, on an answer that was held, or to review a call afterwards",
        labels=("where",),
        buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
    ),
    MetricSpec(name=_HITS, kind=MetricKind.COUNTER, help="Texts that a detector had seen before, so not looked at"),
    MetricSpec(name=_MISSES, kind=MetricKind.COUNTER, help="Texts that were new to a detector"),
    MetricSpec(name=_ENTRIES, kind=MetricKind.GAUGE, help="Texts that are remembered, each once for each detector"),
)


def report_memo(memos: Iterable[Memo[Any]], metrics: Metrics) -> None:
    """Set the metrics of an engine's memos, in which METRICS are declared."""
    memos = tuple(memos)
    metrics.set(_HITS, sum(memo.hits for memo in memos))
    metrics.set(_MISSES, sum(memo.misses for memo in memos))
    metrics.set(_ENTRIES, sum(map(len, memos)))
