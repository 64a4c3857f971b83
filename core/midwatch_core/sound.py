"""Whether an answer of a detector is what its hook promises: what can't be used is dropped, what is too much is cut."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from midwatch_core.errors import PluginError
from midwatch_core.model.detection import Classified, Detection, Vote
from midwatch_core.model.finding import Finding, Severity
from midwatch_core.model.segment import Direction, Part

# More of one text, or of one call, is kept of no detector.
MAX_ITEMS = 1000
_NAME_CHARACTERS = 200
_TEXT_CHARACTERS = 2000
_MAX_OWASP = 20
_MAX_VOTES = 20
_FARTHEST = 2**31

type _Types = Mapping[str, type | tuple[type, ...]]

_ABSENT = object()

_COMMON: _Types = {
    "rule": str,
    "category": str,
    "severity": Severity,
    "confidence": (int, float),
    "message": str,
    "owasp": tuple,
    "kind": str,
}
_DETECTION: _Types = {**_COMMON, "start": int, "end": int}
_FINDING: _Types = {
    **_COMMON,
    "direction": Direction,
    "part": (Part, type(None)),
    "path": (str, type(None)),
    "start": (int, type(None)),
    "end": (int, type(None)),
    "evidence": (str, type(None)),
}
_LENGTHS = {
    "rule": _NAME_CHARACTERS,
    "category": _NAME_CHARACTERS,
    "kind": _NAME_CHARACTERS,
    "message": _TEXT_CHARACTERS,
    "path": _TEXT_CHARACTERS,
    "evidence": _TEXT_CHARACTERS,
}


class NonsenseError(PluginError):
    """A plugin's answer is not what its hook promises."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What of an answer can be used, and the first thing that was wrong with it."""

    items: list[Any]
    complaint: str | None = None


def sound_detections(value: object, length: int) -> Sound:
    """The detections of an answer about a text of `length` code points.

    Spans are clipped to the text, confidence to between 0 and 1, long strings and lists cut. A detector may see many
    things in a long text; more than the text has characters is no honest answer.
    """
    return _sound(value, Detection, lambda item: _checked(item, _DETECTION, length), max(MAX_ITEMS, length))


def sound_findings(value: object) -> Sound:
    """The same for findings about a whole call."""
    return _sound(value, Finding, lambda item: _checked(item, _FINDING, None), MAX_ITEMS)


def sound_classified(value: object, length: int) -> Sound:
    """The same for what a model says of a text: one Classified, or none where the text is not its business."""
    if value is None:
        return Sound([Classified()])
    if not isinstance(value, Classified):
        return Sound([], f"gave {type(value).__name__}, not Classified")
    found = sound_detections(value.detections, length)
    votes = tuple(vote for vote in tuple(value.votes)[:_MAX_VOTES] if _is_vote(vote))
    complaint = None if len(votes) == len(value.votes) else "gave votes that are none, or too many"
    return Sound([Classified(detections=tuple(found.items), votes=votes)], found.complaint or complaint)


def _is_vote(vote: object) -> bool:
    if not isinstance(vote, Vote) or not isinstance(vote.voter, str) or not isinstance(vote.detail, str):
        return False
    named = 0 < len(vote.voter) <= _NAME_CHARACTERS and len(vote.detail) <= _TEXT_CHARACTERS
    return named and isinstance(vote.score, int | float) and 0 <= vote.score <= 1


def _sound(value: object, wanted: type, check: Callable[[Any], tuple[Any, str | None]], honest: int) -> Sound:
    if value is None:
        return Sound([])
    if not isinstance(value, list | tuple):
        if inspect.iscoroutine(value):
            value.close()  # nobody will await it: no warning about that either
        return Sound([], f"gave {type(value).__name__}, not a list of {wanted.__name__}")
    complaint = f"gave {len(value)} items" if len(value) > honest else None
    items = []
    for item in value[:MAX_ITEMS]:
        if not isinstance(item, wanted):
            complaint = complaint or f"gave {type(item).__name__} in place of a {wanted.__name__}"
            continue
        usable, wrong = check(item)
        complaint = complaint or wrong
        if usable is not None:
            items.append(usable)
    return Sound(items, complaint)


def _checked(item: Any, types: _Types, length: int | None) -> tuple[Any, str | None]:
    """The item as it can be used, None where it can't; and what is wrong with it."""
    for name, wanted in types.items():
        if not isinstance(value := getattr(item, name, _ABSENT), wanted):
            return None, f"gave {name} as {type(value).__name__}"
    if item.confidence != item.confidence:
        return None, "gave a confidence that is no number"
    if not all(isinstance(name, str) for name in item.owasp):
        return None, "gave owasp that are no names"
    changes = {**_cut(item, types), **_bounded(item, length)}
    if not changes:
        return item, None
    return replace(item, **changes), f"gave {next(iter(changes))} out of its bounds"


def _cut(item: Any, types: _Types) -> dict[str, Any]:
    """Strings that are too long, as long as they may be."""
    changes: dict[str, Any] = {
        name: getattr(item, name)[:most]
        for name, most in _LENGTHS.items()
        if name in types and len(getattr(item, name) or "") > most
    }
    if len(item.owasp) > _MAX_OWASP or any(len(name) > _NAME_CHARACTERS for name in item.owasp):
        changes["owasp"] = tuple(name[:_NAME_CHARACTERS] for name in item.owasp[:_MAX_OWASP])
    return changes


def _bounded(item: Any, length: int | None) -> dict[str, Any]:
    """Numbers that are out of their range, moved to its end."""
    changes: dict[str, Any] = {}
    if not 0 <= item.confidence <= 1:
        changes["confidence"] = min(1.0, max(0.0, item.confidence))
    if item.start is None or item.end is None:
        return changes
    most = length if length is not None else _FARTHEST
    if not 0 <= item.start <= item.end <= most:
        changes["start"] = start = min(max(item.start, 0), most)
        changes["end"] = min(max(item.end, start), most)
    return changes
