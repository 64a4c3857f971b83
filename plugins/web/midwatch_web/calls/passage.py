"""One text of a conversation as HTML: laid out, findings marked on their characters, the long part folded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from midwatch_core import Finding
from midwatch_web.calls.fragments import Fragment, Span, mark, split
from midwatch_web.calls.jsonlayout import is_document, lay_out
from midwatch_web.serving.visible import marked_up, shown

# A text is folded when it shows more than this …
_FOLD_CHARACTERS, _FOLD_LINES = 1600, 24
# … and then this much of it stands before the fold.
_HEAD_CHARACTERS, _HEAD_LINES = 900, 14
# Longer ones are a page of their own: their rest is behind a link, unless findings are in it.
_EMBEDDED_CHARACTERS = 300_000
# A page's own bounds, over all of its texts: what lies under folds, and what is laid out as JSON.
_PAGE_FOLDED, _PAGE_LAID_OUT = 4_000_000, 500_000


@dataclass(slots=True)
class Allowance:
    """What a page may still hold: hostile sizes must not keep the process from its work."""

    folded: int = _PAGE_FOLDED
    laid_out: int = _PAGE_LAID_OUT

    def fold(self, characters: int) -> bool:
        """Whether so many characters may lie under a fold; they are then taken."""
        fits = characters <= min(self.folded, _EMBEDDED_CHARACTERS)
        self.folded -= characters if fits else 0
        return fits

    def lay_out(self, characters: int) -> bool:
        """Whether a JSON text of so many characters may be laid out; they are then taken."""
        fits = characters <= self.laid_out
        self.laid_out -= characters if fits else 0
        return fits


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What the template shows: `head`, and under a fold `rest` (with `opened` where findings are in it)."""

    head: Markup
    rest: Markup | None
    rest_characters: int
    opened: bool
    is_json: bool
    embedded: bool = True


def passage_of(text: str, findings: Sequence[tuple[int, Finding]], allowance: Allowance) -> Passage:
    """A text with the findings that are in it, each with its number on the page."""
    is_json = is_document(text) and allowance.lay_out(len(text))
    fragments = lay_out(text) if is_json else iter([Fragment(text=text, start=0)])
    marked = list(mark(fragments, _spans(findings, len(text))))
    head, rest = split(marked, _fold_at(marked))
    by_number = dict(findings)
    hidden = sum(len(fragment.text) for fragment in rest)
    opened = any(fragment.marks for fragment in rest)
    embedded = opened or allowance.fold(hidden)
    return Passage(
        head=_html(head, by_number),
        rest=_html(rest, by_number) if rest and embedded else None,
        rest_characters=hidden,
        opened=opened,
        is_json=is_json,
        embedded=embedded,
    )


def _spans(findings: Iterable[tuple[int, Finding]], length: int) -> list[Span]:
    """The places of the findings that have one inside the text."""
    return [
        Span(number=number, start=finding.start, end=min(finding.end, length))
        for number, finding in findings
        if finding.start is not None and finding.end is not None and 0 <= finding.start < min(finding.end, length)
    ]


def _fold_at(fragments: Sequence[Fragment]) -> int:
    """After how many characters the fold comes; the text's length where there is none."""
    whole = "".join(fragment.text for fragment in fragments)
    if len(whole) <= _FOLD_CHARACTERS and whole.count("\n") < _FOLD_LINES:
        return len(whole)
    head = "\n".join(whole[:_HEAD_CHARACTERS].split("\n", _HEAD_LINES)[:_HEAD_LINES])
    # Not in the middle of a line, or of a word, where one ends not far before.
    for end in ("\n", " "):
        if len(head) < len(whole) and (place := head.rfind(end)) > _HEAD_CHARACTERS // 2:
            return place + 1
    return len(head)


def _html(fragments: Iterable[Fragment], findings: dict[int, Finding]) -> Markup:
    runs = groupby(fragments, key=lambda fragment: (fragment.marks, fragment.begins))
    return Markup("").join(_run(marks, begins, run, findings) for (marks, begins), run in runs)


def _run(
    marks: tuple[int, ...], begins: tuple[int, ...], fragments: Iterable[Fragment], findings: dict[int, Finding]
) -> Markup:
    """Neighbours under the same marks, as one piece of HTML."""
    text = marked_up("".join(fragment.text for fragment in fragments))
    if not marks:
        return text
    covering = [findings[number] for number in marks]
    worst = max(covering, key=lambda finding: finding.severity.rank)
    anchors = Markup("").join(Markup('<a class="anchor" id="finding-{}"></a>').format(number) for number in begins)
    title = "; ".join(f"{finding.severity.value}: {finding.rule}" for finding in covering[:8])
    several = " several" if len(covering) > 1 else ""
    element = Markup('<mark class="{}{}" title="{}">{}</mark>')
    return anchors + element.format(worst.severity.value, several, shown(title), text)
