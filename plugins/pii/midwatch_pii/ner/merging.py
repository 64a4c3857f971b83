"""The model's entities beside what patterns found in the same text: who wins where they overlap."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

from midwatch_core import Detection, Severity
from midwatch_pii.ner.entities import Entity, Kind

_SAID = {
    Kind.PERSON: ("pii/person-name", Severity.MEDIUM, "Name of a person"),
    Kind.ADDRESS: ("pii/street-address", Severity.MEDIUM, "Street address"),
    Kind.LOCATION: ("pii/place", Severity.LOW, "Name of a place"),
}
# Of the names that the model is surest of, one in fifty is a firm's or a town's.
_SUREST = 0.98


def beside(entities: Iterable[Entity], hits: Iterable[Detection]) -> Iterator[Entity]:
    """The entities that no pattern's hit overlaps, and those that are longer than all that do and of their kind."""
    ordered = sorted(hits, key=lambda one: one.start)
    starts = [hit.start for hit in ordered]
    reach = list(accumulate((hit.end for hit in ordered), max))
    for entity in entities:
        near = ordered[bisect_right(reach, entity.start) : bisect_left(starts, entity.end)]
        touching = [hit for hit in near if hit.end > entity.start]
        if all(hit.kind == entity.kind and hit.end - hit.start < entity.end - entity.start for hit in touching):
            yield entity


def detections(entities: Iterable[Entity], text: str, is_allowed: Callable[[str, str], bool]) -> Sequence[Detection]:
    """Entities as detections, those left out whose value is no finding by the settings."""
    return [_detection(one) for one in entities if not is_allowed(one.kind.value, text[one.start : one.end])]


def _detection(entity: Entity) -> Detection:
    rule, severity, message = _SAID[entity.kind]
    return Detection(
        rule=rule,
        category="pii",
        severity=severity,
        confidence=min(entity.score, _SUREST),
        message=message,
        start=entity.start,
        end=entity.end,
        owasp=("LLM02:2025",),
        kind=entity.kind.value,
    )
