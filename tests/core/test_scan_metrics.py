"""The memo's hits and misses as metrics."""

from midwatch_core.memo import Memo
from midwatch_core.metrics import Metrics
from midwatch_core.model.segment import Part
from midwatch_core.scan_metrics import METRICS, report_memo


def test_hits_misses_and_entries_are_the_memo_s() -> None:
    memo, metrics = Memo(weight=len), Metrics()
    metrics.declare(METRICS)
    for text_hash in ("a", "b", "a", "a"):
        if memo.get("d", "", Part.USER, text_hash) is None:
            memo.put("d", "", Part.USER, text_hash, ())
    for _ in range(2):  # what is kept elsewhere is set, however often it is told
        report_memo((memo,), metrics)
    assert {item.name.removeprefix("midwatch_memo_"): item.values[0] for item in metrics.samples()} == {
        "hits_total": 2,
        "misses_total": 2,
        "entries": 2,
    }
