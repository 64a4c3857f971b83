"""Context flooding: filler in a new text, long enough to push instructions out of the model's sight (OWASP LLM10).

Filler is what compresses as no text does: the same words over and over, or letters that chance has strung. It is
measured in blocks of the text, so that a word said often, a table or a log is none, and a long text costs no more
than a sample of it.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from string import ascii_letters

from midwatch_core import Direction, Finding, Part, Segment, Severity

_BLOCK = 16_384
_BLOCKS = 24
# DEFLATE of a block: below the first a passage of some hundred characters repeats itself, above the second words are
# random. Prose of any language is at 0.3 to 0.5, code and logs at 0.08 to 0.3, random letters and spaces at 0.6.
_REPEATED = 0.04
_RANDOM = 0.57
_LOOKED_AT = frozenset({Part.USER, Part.TOOL_RESULT, Part.DOCUMENT})
_ANSWERED = frozenset({Part.ASSISTANT, Part.REASONING, Part.TOOL_CALL})
_MOST = 10
_NO_LETTERS = dict.fromkeys(map(ord, ascii_letters))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """A stretch of filler in a text: `kind` is `repeated` or `random`."""

    kind: str
    start: int
    end: int


def flooding(segments: Iterable[Segment], at_least: int) -> list[Finding]:
    """A finding for each new text of a request (after the last answer in it) with `at_least` characters of filler."""
    found = (
        _finding(segment, filler)
        for segment in new_texts(tuple(segments))
        if len(segment.text) >= at_least
        for filler in [longest_filler(segment.text)]
        if filler is not None and filler.end - filler.start >= at_least
    )
    return [finding for finding, _ in zip(found, range(_MOST), strict=False)]


def new_texts(segments: tuple[Segment, ...]) -> Iterator[Segment]:
    """What users, tools and documents said since the model's last answer."""
    last = max((at for at, item in enumerate(segments) if item.part in _ANSWERED), default=-1)
    return (item for item in segments[last + 1 :] if item.part in _LOOKED_AT)


def longest_filler(text: str) -> Filler | None:
    """The longest run of blocks that are all filler of one kind; None where there is none.

    A text of more than `_BLOCKS` blocks is sampled: each block stands for the stretch up to the next.
    """
    step = max(_BLOCK, -(-len(text) // _BLOCKS))
    kinds = [(kind_of(text[at : at + _BLOCK]), at) for at in range(0, len(text), step)]
    runs = [
        Filler(kind=kind, start=places[0], end=min(len(text), places[-1] + step))
        for kind, group in groupby(kinds, key=lambda item: item[0])
        if kind and (places := [at for _, at in group])
    ]
    return max(runs, key=lambda run: run.end - run.start, default=None)


def kind_of(block: str) -> str:
    """`repeated`, `random`, or empty for what may be text. A short block, such as a text's rest, is judged as well."""
    data = block.encode("utf-8", "replace")
    if len(data) < 256:
        return ""
    ratio = len(zlib.compress(data, 1)) / len(data)
    if ratio < max(_REPEATED, 100 / len(data)):
        return "repeated"
    return "random" if ratio > _RANDOM and _is_words(block) else ""


def _is_words(block: str) -> bool:
    """ASCII letters and spaces, as prose has them: neither base64, nor hex, nor a script of many letters."""
    others = len(block.translate(_NO_LETTERS))
    return block.isascii() and others < 0.25 * len(block) and block.count(" ") > 0.04 * len(block)


def _finding(segment: Segment, filler: Filler) -> Finding:
    of_user = segment.part is Part.USER
    what = "one passage over and over" if filler.kind == "repeated" else "letters strung by chance"
    return Finding(
        id="",
        rule=f"midwatch/exchange/{filler.kind}-filler",
        category="context_flooding",
        severity=Severity.MEDIUM if of_user else Severity.LOW,
        confidence=0.7 if of_user else 0.5,
        message=f"About {filler.end - filler.start:,} characters of filler: {what}",
        owasp=("LLM10:2025",),
        direction=Direction.REQUEST,
        part=segment.part,
        path=segment.path,
        start=filler.start,
        end=filler.end,
    )
