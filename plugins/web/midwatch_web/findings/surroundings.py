"""The text around a finding, with its characters marked; never the whole of a long one."""

from dataclasses import dataclass, replace

from midwatch_core import Exchange, Finding
from midwatch_web.calls.blocks import segments_of
from midwatch_web.calls.passage import Allowance, Passage, passage_of

# Characters that are shown before and after a finding, and of a finding itself.
_AROUND = 400
_MOST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """`passage` is the text; `before` and `after` count the characters that are left out on either side."""

    passage: Passage
    before: int
    after: int


def surroundings_of(exchange: Exchange, finding: Finding) -> Surroundings | None:
    """Where the finding is; None for one that is of no place in a text, or of one that is not kept."""
    segment = next((item for item in segments_of(exchange, finding.direction) if item.path == finding.path), None)
    start, end = finding.start, finding.end
    if segment is None or start is None or end is None or not 0 <= start < min(end, len(segment.text)):
        return None
    first = max(0, start - _AROUND)
    last = min(len(segment.text), min(end, start + _MOST) + _AROUND)
    moved = replace(finding, start=start - first, end=min(end, last) - first)
    passage = passage_of(segment.text[first:last], [(0, moved)], Allowance())
    return Surroundings(passage=passage, before=first, after=len(segment.text) - last)
