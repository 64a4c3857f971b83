"""Weighing: from the evidence on a call's texts to one score, findings that say why, and confidences set right."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from midwatch_core import INJECTION, Direction, Finding, Part, Segment, Severity, TextVote, Weighed
from midwatch_ensemble.calibration import Calibration
from midwatch_ensemble.evidence import LEXICON, OWN_RULE, RULES, Evidence, is_raw, votes_of
from midwatch_ensemble.explaining import explained
from midwatch_ensemble.fusion import Fused, OperatingPoint, fused, lifted, probability
from midwatch_ensemble.lexicon import Reading

# At the threshold of the operating point.
THRESHOLD = 0.5
# What a detector is as sure of is not overruled, but where hardly any harmless text may be hit.
NOT_OVERRULED = 0.7
_SURE = 0.9

type Place = tuple[Direction, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one text comes to: a score (0.5 is the operating point's threshold), and who gave what."""

    score: float
    fused: Fused
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How texts are weighed for one tenant. `threshold` (log-odds) stands in for the operating point's, if given."""

    calibration: Calibration
    point: OperatingPoint = OperatingPoint.BALANCED
    threshold: float | None = None

    def weigh(self, evidence: Evidence) -> Held:
        """One text's evidence on the scale."""
        voters = [RULES, *([LEXICON] if evidence.reading is not None else []), *evidence.votes]
        fit = self.calibration.made_for(voters).fit
        sum_ = fused(evidence, fit)
        threshold = fit.thresholds[self.point] if self.threshold is None else self.threshold
        if self._heeds_the_sure and evidence.confidence >= NOT_OVERRULED:
            sum_ = lifted(sum_, threshold)
        return Held(score=probability(sum_.odds - threshold), fused=sum_, margin=fit.bias - threshold)

    @property
    def _heeds_the_sure(self) -> bool:
        return self.threshold is None and self.point is not OperatingPoint.HIGH_PRECISION


@dataclass(slots=True)
class _Seen:
    """What there is on one text."""

    findings: list[Finding] = field(default_factory=list)
    votes: list[TextVote] = field(default_factory=list)


def weighed(
    findings: Sequence[Finding],
    votes: Sequence[TextVote],
    texts: Mapping[Place, Segment],
    *,
    scale: Scale,
    parts: frozenset[Part],
    read: Callable[[Segment], Reading],
) -> Weighed:
    """All texts of a call on the scale; what stands in other parts keeps its confidence, and counts with it."""
    seen = _by_text(findings, votes)
    own: list[Finding] = []
    confidences: dict[str, float] = {}
    score = 0.0
    for place, segment in texts.items():
        if segment.part not in parts or not segment.text:
            continue
        here = seen.pop(place, None) or _Seen()
        evidence = _evidence(here, read(segment))
        held = scale.weigh(evidence)
        score = max(score, held.score)
        confidences |= _set_right(here.findings, held.score)
        if held.score >= THRESHOLD:
            own.append(_finding(place, segment, here.findings, evidence, held))
    elsewhere = (one.confidence for rest in seen.values() for one in rest.findings)
    return Weighed(score=max([score, *elsewhere]), findings=tuple(own), confidences=confidences)


def _by_text(findings: Iterable[Finding], votes: Iterable[TextVote]) -> dict[Place, _Seen]:
    seen: defaultdict[Place, _Seen] = defaultdict(_Seen)
    for finding in findings:
        if finding.category in INJECTION and finding.rule != OWN_RULE:
            seen[finding.direction, finding.path or ""].findings.append(finding)
    for vote in votes:
        seen[vote.direction, vote.path].votes.append(vote)
    return dict(seen)


def _evidence(here: _Seen, reading: Reading) -> Evidence:
    votes = votes_of(here.votes)
    return Evidence(findings=[one for one in here.findings if is_raw(one, votes)], votes=votes, reading=reading)


def _set_right(findings: Iterable[Finding], score: float) -> dict[str, float]:
    """Confidences in the light of all: raised to a score that says attack, lowered to one that does not."""
    held = ((one, max(one.confidence, score) if score >= THRESHOLD else min(one.confidence, score)) for one in findings)
    # Down to four places: what is below the threshold stays so.
    return {one.id: math.floor(share * 10_000) / 10_000 for one, share in held if share != one.confidence}


def _finding(place: Place, segment: Segment, findings: Sequence[Finding], evidence: Evidence, held: Held) -> Finding:
    """The finding of a text; it stands where the surest of the others does, or all over the text."""
    surest = max(findings, key=lambda one: one.confidence, default=None)
    agreeing = sum(1 for weight in held.fused.given.values() if weight > 0)
    return Finding(
        id="",
        rule=OWN_RULE,
        category="prompt_injection",
        severity=Severity.HIGH if held.score >= _SURE and agreeing > 1 else Severity.MEDIUM,
        confidence=round(held.score, 4),
        message=explained(evidence, held.fused, score=held.score, margin=held.margin),
        owasp=("LLM01:2025",),
        direction=place[0],
        part=segment.part,
        path=segment.path,
        start=surest.start if surest is not None and surest.start is not None else 0,
        end=surest.end if surest is not None and surest.end is not None else len(segment.text),
        evidence=surest.evidence if surest is not None else None,
    )
