"""One detection for one secret: of several rules that see the same characters, the surest."""

from collections.abc import Iterable

from midwatch_core import Detection


def strongest(found: Iterable[Detection]) -> list[Detection]:
    """The detections that overlap no surer one (or no longer one that is as sure), by place."""
    kept: list[Detection] = []
    for detection in sorted(found, key=lambda d: (-d.confidence, d.start - d.end, d.start, d.rule)):
        if all(detection.end <= other.start or other.end <= detection.start for other in kept):
            kept.append(detection)
    return sorted(kept, key=lambda d: (d.start, d.end))
