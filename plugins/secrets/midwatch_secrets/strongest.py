"""One detection for one secret: of several rules that see the same characters, the surest."""

from bisect import bisect_left
from collections.abc import Iterable

from midwatch_core import Detection


def strongest(found: Iterable[Detection]) -> list[Detection]:
    """The detections that overlap no surer one (or no longer one that is as sure), by place."""
    kept: list[Detection] = []
    starts: list[int] = []
    for detection in sorted(found, key=lambda d: (-d.confidence, d.start - d.end, d.start, d.rule)):
        at = bisect_left(starts, detection.end)
        # None of those kept overlaps another: the last that begins before this one's end is the only one in question.
        if at == 0 or kept[at - 1].end <= detection.start:
            kept.insert(at, detection)
            starts.insert(at, detection.start)
    return kept
