"""Explaining: who gave what to a score, in the form that core's `explanation` takes apart again."""

import re
from collections.abc import Iterator

from midwatch_ensemble.evidence import HIT, LEXICON, RULES, Evidence
from midwatch_ensemble.fusion import Fused

# What the form keeps for itself.
_KEPT = re.compile(r"[,:()\s]+")
_LONGEST_DETAIL = 120


def explained(evidence: Evidence, fused: Fused, *, score: float, margin: float) -> str:
    """`prompt injection, 0.97: rules +2.1 (forget-everything 0.80), defender/main +3.0 (0.99), calibration -1.2`.

    Weights are log-odds; with `calibration` (the bias, less the operating point's threshold) they add up to the score.
    """
    ordered = sorted(fused.given.items(), key=lambda item: -abs(item[1]))
    reasons = [f"{_plain(voter)} {weight:+.1f}{_bracketed(detail(evidence, voter))}" for voter, weight in ordered]
    return f"prompt injection, {score:.2f}: {', '.join([*reasons, f'calibration {margin:+.1f}'])}"


def detail(evidence: Evidence, voter: str) -> str:
    """What a voter saw: the rules that hit, the words, or the score it gave."""
    if voter == RULES:
        return ", ".join(_rules(evidence))
    if voter == LEXICON:
        return ", ".join(evidence.reading.words) if evidence.reading is not None else ""
    return f"{evidence.votes[voter]:.2f}" if voter in evidence.votes else ""


def _rules(evidence: Evidence) -> Iterator[str]:
    """The surest finding of each rule, three of them."""
    surest: dict[str, float] = {}
    for finding in evidence.findings:
        name = finding.rule.rpartition("/")[2]
        surest[name] = max(finding.confidence, surest.get(name, 0.0))
    ordered = sorted(surest.items(), key=lambda item: (-item[1], item[0]))
    yield from (f"{name} {confidence:.2f}" for name, confidence in ordered[:3])
    if ordered and ordered[0][1] < HIT:
        yield "weak alone"


def _bracketed(said: str) -> str:
    plain = said.replace("(", "").replace(")", "")[:_LONGEST_DETAIL]
    return f" ({plain})" if plain else ""


def _plain(voter: str) -> str:
    """A voter's name as far as the form allows."""
    return _KEPT.sub("-", voter).lstrip("+-")[:100] or "unnamed"
