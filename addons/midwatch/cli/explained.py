"""A finding in lines that people read: what and where it is, and below it the reasons that its message gives."""

from collections.abc import Iterator, Mapping
from typing import Any

from midwatch.cli.printing import visible
from midwatch_core.explanation import explanation_of

_BELOW = " " * 11
_LONGEST = 120


def finding_lines(item: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a finding, as JSON has it."""
    explained = explanation_of(item["message"] or "")
    span = "" if item["start"] is None else f"{item['start']}-{item['end']}"
    place = " ".join(filter(None, (item["part"] or "call", visible(item["path"] or ""), span)))
    evidence = item["evidence"] or ""
    shown = f"{evidence[:_LONGEST]}…" if len(evidence) > _LONGEST else evidence or explained.title
    yield f"  {item['severity']:<9}{visible(item['rule'])}  {place}: {visible(shown)}"
    if explained.reasons and evidence:
        yield f"{_BELOW}{visible(explained.title)}"
    width = max((len(reason.voter) for reason in explained.reasons), default=0)
    for reason in explained.reasons:
        yield f"{_BELOW}  {visible(reason.voter):<{width}}  {reason.weight:+.1f}  {visible(reason.detail)}".rstrip()
    if explained.cut:
        yield f"{_BELOW}  …"
