"""Judges: who says of a text how likely it is an attack, and from which score on it counts as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.quality.labelled import Labelled
from benchmarks.quality.seen import Seen
from midwatch_ensemble.calibrating.measures import Scored, auc, recall_at, share_from
from midwatch_ensemble.fusion import OperatingPoint
from midwatch_ensemble.lexicon import Lexicon
from midwatch_ensemble.shelf import shipped
from midwatch_ensemble.weighing import THRESHOLD, Scale

# A finding counts from this confidence on in the policy `balanced`; a model's, from its own threshold.
_RULES_FROM, _MODEL_FROM = 0.5, 0.95

type Scorer = Callable[[Labelled, Seen], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A score of a text and what was seen in it, and the threshold."""

    name: str
    score: Scorer
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a judge makes of a set; None where the set has no texts of the kind."""

    precision: float | None
    recall: float | None
    false_positives: float | None
    recall_at_1: float | None
    auc: float | None


def judges(voters: Iterable[str]) -> list[Judge]:
    """Rules alone, each model alone, the ensemble without models, and with them at each point."""
    rules = Judge(name="rules", score=lambda _, seen: seen.rules, threshold=_RULES_FROM)
    heads = [voter for voter in sorted(voters) if voter.endswith("/main") or "/" not in voter]
    models = [Judge(name=head, score=_vote_of(head), threshold=_MODEL_FROM) for head in heads]
    lexicon = Lexicon.shipped()
    without = Judge(
        name="ensemble, no model", score=_weighed(lexicon, OperatingPoint.BALANCED, ()), threshold=THRESHOLD
    )
    points = [
        Judge(name=f"ensemble, {point.value}", score=_weighed(lexicon, point, None), threshold=THRESHOLD)
        for point in OperatingPoint
    ]
    return [rules, *models, without, *points]


def judged(judge: Judge, rows: Sequence[Labelled], seen: Sequence[Seen]) -> Judged:
    """The measures of a judge on a set."""
    scored: list[Scored] = [(row.label, judge.score(row, one)) for row, one in zip(rows, seen, strict=True)]
    attacks = [score for label, score in scored if label]
    harmless = [score for label, score in scored if not label]
    found = sum(1 for score in attacks if score >= judge.threshold)
    wrong = sum(1 for score in harmless if score >= judge.threshold)
    return Judged(
        precision=found / (found + wrong) if attacks and harmless and found + wrong else None,
        recall=share_from(attacks, judge.threshold),
        false_positives=share_from(harmless, judge.threshold),
        recall_at_1=recall_at(scored, 0.01),
        auc=auc(scored),
    )


def _vote_of(voter: str) -> Scorer:
    return lambda _, seen: seen.votes.get(voter, 0.0)


def _weighed(lexicon: Lexicon, point: OperatingPoint, only: Sequence[str] | None) -> Scorer:
    scale = Scale(calibration=shipped(), point=point)

    def score(row: Labelled, seen: Seen) -> float:
        heard = seen if only is None else seen.only(only)
        return scale.weigh(heard.evidence(lexicon.read(row.text))).score

    return score
