"""Explanations: who said what for a finding and against it, in one line that programs keep and people can read.

The line is a finding's message, such as
`prompt injection, 0.97: rules +2.1 (ignore-previous 0.80), defender/main +3.0 (0.99), trigger words only -0.4`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# A voter, what it adds to the score or takes from it, and in brackets what it saw.
_REASON = re.compile(r"([^\s,:()+\-][^,:()]{0,199}?) ([+-]\d{1,6}(?:\.\d{1,6})?)(?: \(([^()]*)\))?(?:, |$)")
_MORE = "…"
_LONGEST = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What one voter gave: `weight` is added to the score (log-odds); `detail` is what it saw, or empty."""

    voter: str
    weight: float
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A finding in a few words, and the reasons for it. `cut`: there were more of them."""

    summary: str
    reasons: Sequence[Reason] = ()
    cut: bool = False

    @property
    def title(self) -> str:
        """The summary as a heading: one of its length, whatever it was."""
        summary = self.summary
        return summary if len(summary) <= _LONGEST else f"{summary[: _LONGEST - 1].rstrip()}…"


def explanation_of(message: str) -> Explanation:
    """A message taken apart. One that gives no reasons in this form is the summary as it is."""
    at = message.find(": ")
    while at >= 0:
        reasons, cut = _reasons(message, at + 2)
        if reasons:
            return Explanation(summary=message[:at], reasons=reasons, cut=cut)
        at = message.find(": ", at + 2)
    return Explanation(summary=message)


def _reasons(message: str, at: int) -> tuple[list[Reason], bool]:
    """The reasons from a place on; none where it is not reasons alone up to the end, or to where they were cut."""
    reasons: list[Reason] = []
    while at < len(message):
        match = _REASON.match(message, at)
        if match is None:
            return (reasons, True) if reasons and message.endswith(_MORE) else ([], False)
        reasons.append(Reason(voter=match[1], weight=float(match[2]), detail=match[3] or ""))
        at = match.end()
    return reasons, False
