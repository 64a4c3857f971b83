"""Findings, votes, texts and a calibration of known weights, for the ensemble's tests."""

from datetime import UTC, datetime

from midwatch_core import Direction, Finding, Part, Segment, Severity, TextVote, Vote
from midwatch_ensemble.calibration import Calibration, FitMade
from midwatch_ensemble.fusion import OperatingPoint

PLACE = (Direction.REQUEST, "/messages/0/content")
THRESHOLDS = {OperatingPoint.HIGH_RECALL: -1.0, OperatingPoint.BALANCED: 0.0, OperatingPoint.HIGH_PRECISION: 2.0}
_RULES = {"hit": 1.6, "several": 0.5}
ALONE = FitMade(
    voters=("rules", "lexicon"), bias=-1.2, weights={"rules": _RULES, "lexicon": {"score": 0.5}}, thresholds=THRESHOLDS
)
WITH_A_MODEL = FitMade(
    voters=("rules", "lexicon", "defender/main"),
    bias=-1.0,
    weights={**ALONE.weights, "defender/main": {"odds": 0.5, "beyond_middle": 0.0, "beyond_high": 0.5}},
    thresholds=THRESHOLDS,
)
CALIBRATION = Calibration(version="test-1", made_at=datetime(2026, 11, 1, tzinfo=UTC), fits=(ALONE, WITH_A_MODEL))


def finding(rule: str = "pack/ignore-previous", confidence: float = 0.8, **changes: object) -> Finding:
    """A finding of injection in the text at `PLACE`."""
    facts: dict[str, object] = {
        "id": f"id of {rule}",
        "rule": rule,
        "category": "prompt_injection",
        "severity": Severity.HIGH,
        "confidence": confidence,
        "message": "said",
        "direction": PLACE[0],
        "part": Part.USER,
        "path": PLACE[1],
        "start": 3,
        "end": 9,
    }
    return Finding(**{**facts, **changes})  # type: ignore[arg-type]  # a dict's values have one type


def vote(voter: str, score: float) -> TextVote:
    """A vote on the text at `PLACE`."""
    return TextVote(direction=PLACE[0], part=Part.USER, path=PLACE[1], vote=Vote(voter=voter, score=score))


def texts(text: str = "some text or other", part: Part = Part.USER) -> dict[tuple[Direction, str], Segment]:
    """One text at `PLACE`."""
    return {PLACE: Segment(part=part, path=PLACE[1], text=text)}
