"""From what a detector says to a finding: held inside its text, with evidence that shows no value, and who made it."""

from midwatch_core.model.detection import Detection
from midwatch_core.model.finding import Finding
from midwatch_core.model.segment import Direction, Part, Segment

_SHOWN = 4
_LONGEST = 200
_EMBEDDING = "LLM08:2025"


def finding_of(item: Detection, segment: Segment, direction: Direction, *, plugin: str, finding_id: str) -> Finding:
    """The finding of a detection in a segment; a span beyond the text ends where the text does."""
    text = segment.text
    start, end = max(0, min(item.start, len(text))), max(0, min(item.end, len(text)))
    return Finding(
        id=finding_id,
        rule=item.rule,
        category=item.category,
        severity=item.severity,
        confidence=share(item.confidence),
        message=item.message,
        owasp=_owasp(item, segment.part),
        direction=direction,
        part=segment.part,
        path=segment.path,
        start=start,
        end=max(start, end),
        evidence=evidence(text[start:end], hidden=bool(item.kind)),
        plugin=plugin,
        kind=item.kind,
    )


def share(value: float) -> float:
    """Between 0 and 1; what is no number is 0."""
    return min(1.0, max(0.0, value)) if value == value else 0.0


def evidence(found: str, *, hidden: bool) -> str:
    """What was found, shortened; of a value that is to be masked only its first characters and its length."""
    if hidden:
        return f"{found[:_SHOWN] if len(found) > 2 * _SHOWN else ''}… ({len(found)} characters)"
    return found if len(found) <= _LONGEST else f"{found[:_LONGEST]}…"


def _owasp(item: Detection, part: Part) -> tuple[str, ...]:
    """Whatever is wrong with a text to be embedded is, besides, a weakness of the vector store that it goes to."""
    if part is not Part.EMBEDDING_INPUT or _EMBEDDING in item.owasp:
        return item.owasp
    return (*item.owasp, _EMBEDDING)
