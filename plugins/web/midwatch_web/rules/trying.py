"""A text tried on all detectors, under the policy in use: what is found, and where on its characters."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from midwatch_core import Action, Finding, Part
from midwatch_web.calls.conversation import Placed
from midwatch_web.calls.passage import Allowance, Passage, passage_of
from midwatch_web.serving.asked import caller_of, host_of, there

# A form's text may be longer than its characters: each may be written as nine.
MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """A finding of the list, and what policy would do about it."""

    placed: Placed
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the page shows of one text. `took_ms` is all detectors together, waiting for others included."""

    passage: Passage
    findings: tuple[Ruled, ...]
    score: float
    action: str
    failures: tuple[str, ...]
    took_ms: float


async def tried(request: Request, text: str, part: Part) -> Tried:
    """Scan a text. Raises ValueError for none, and for one that is too long."""
    if not text.strip():
        raise ValueError("There is no text to try.")
    host = host_of(request)
    began = host.clock.monotonic()
    (seen,) = await there(host.scanner, "scanner").scan(caller_of(request), [(text, part)])
    return Tried(
        passage=passage_of(text, list(enumerate(seen.findings)), Allowance()),
        findings=tuple(_ruled(seen.findings, seen.actions, len(text))),
        score=seen.score,
        action=seen.action.name.lower(),
        failures=seen.failures,
        took_ms=(host.clock.monotonic() - began) * 1000,
    )


def _ruled(findings: Sequence[Finding], actions: Sequence[Action], length: int) -> list[Ruled]:
    """Findings with what would be done about each, worst first."""
    ruled = [
        Ruled(
            placed=Placed(
                number=number,
                finding=finding,
                marked=finding.start is not None and finding.end is not None and 0 <= finding.start < length,
            ),
            action=action.name.lower(),
        )
        for number, (finding, action) in enumerate(zip(findings, actions, strict=True))
    ]
    return sorted(ruled, key=lambda item: -item.placed.finding.severity.rank)
