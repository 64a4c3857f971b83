"""Making a fit: weights from labelled evidence, thresholds from texts that these weights have not seen."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from midwatch_core import Json
from midwatch_ensemble.calibrating.logistic import fitted
from midwatch_ensemble.calibrating.measures import threshold_at
from midwatch_ensemble.calibration import FitMade
from midwatch_ensemble.evidence import Evidence, signals
from midwatch_ensemble.fusion import TARGETS, OperatingPoint, fused

FOLDS = 5
_BEGINNING = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A labelled text as evidence. `group` parts texts that belong together from others while measuring."""

    evidence: Evidence
    label: int
    group: str
    weight: float = 1.0


def fold_of(text: str) -> str:
    """One of five folds, by a text's first letters: variants of one text, of which sets are full, stay together."""
    letters = "".join(char for char in text.casefold() if char.isalpha())[:_BEGINNING]
    return str(hashlib.sha256(letters.encode()).digest()[1] % FOLDS)


def balanced_weights(examples: Sequence[tuple[str, int]]) -> list[float]:
    """Weights for examples of (set, label): a set counts with the root of its size, and both labels the same."""
    sizes = Counter(name for name, _ in examples)
    raw = [sizes[name] ** -0.5 for name, _ in examples]
    sums: defaultdict[int, float] = defaultdict(float)
    for (_, label), weight in zip(examples, raw, strict=True):
        sums[label] += weight
    half = len(examples) / 2
    return [half * weight / sums[label] for (_, label), weight in zip(examples, raw, strict=True)]


def fit_of(examples: Sequence[Example], prior: FitMade, strength: float) -> FitMade:
    """The weights that fit best, drawn with `strength` towards a prior fit's, whose voters and thresholds stay."""
    columns = columns_of(prior)
    towards = [prior.weights[voter][name] for voter, name in columns] + [prior.bias]
    rows = [row_of(one.evidence, columns) for one in examples]
    beta = fitted(rows, [one.label for one in examples], [one.weight for one in examples], towards, strength)
    weights: dict[str, dict[str, float]] = {voter: {} for voter in prior.voters}
    for (voter, name), value in zip(columns, beta, strict=False):
        weights[voter][name] = round(value, 4)
    return prior.model_copy(update={"weights": weights, "bias": round(beta[-1], 4)})


def unseen_scores(train: Sequence[Example], measure: Sequence[Example], prior: FitMade, strength: float) -> list[float]:
    """Log-odds for each example of `measure`, by weights fitted without its group."""
    scores = [0.0] * len(measure)
    for group in sorted({one.group for one in measure}):
        made = fit_of([one for one in train if one.group != group], prior, strength)
        for at, one in enumerate(measure):
            if one.group == group:
                scores[at] = fused(one.evidence, made.fit).odds
    return scores


def with_thresholds(
    made: FitMade, texts: Sequence[tuple[str, int]], scores: Sequence[float], prior: FitMade
) -> FitMade:
    """The fit with thresholds measured on unseen scores of texts (set, label); sets count the same.

    A point with too few harmless texts keeps the prior's.
    """
    harmless, attacks = (_with_shares(texts, scores, label) for label in (0, 1))
    thresholds: dict[OperatingPoint, float] = {}
    measured: dict[OperatingPoint, dict[str, Json]] = {}
    for point, target in TARGETS.items():
        found = threshold_at(harmless, target)
        thresholds[point] = prior.thresholds[point] if found is None else _rounded_up(found)
        measured[point] = {
            "target": target,
            "by": "the version before" if found is None else "measure",
            "false_positives": _share_from(harmless, thresholds[point]),
            "recall": _share_from(attacks, thresholds[point]),
        }
    return made.model_copy(update={"thresholds": thresholds, "measured": measured})


def columns_of(made: FitMade) -> list[tuple[str, str]]:
    """The columns of a fit: each voter's signals that it has weights for."""
    return [(voter, name) for voter in made.voters for name in made.weights[voter]]


def row_of(evidence: Evidence, columns: Sequence[tuple[str, str]]) -> list[float]:
    """A text's numbers in these columns; of a voter that said nothing, noughts."""
    given = signals(evidence)
    return [float(given.get(voter, {}).get(name, 0.0)) for voter, name in columns]


def _with_shares(texts: Sequence[tuple[str, int]], scores: Sequence[float], label: int) -> list[tuple[float, float]]:
    """The scores of one label, each with what it counts for: one in all, and the same for each set."""
    of = [(name, score) for (name, one), score in zip(texts, scores, strict=True) if one == label]
    sizes = Counter(name for name, _ in of)
    return [(score, 1 / (sizes[name] * len(sizes))) for name, score in of]


def _share_from(scored: Sequence[tuple[float, float]], threshold: float) -> float | None:
    return round(sum(share for score, share in scored if score >= threshold), 4) if scored else None


def _rounded_up(threshold: float) -> float:
    return math.ceil(threshold * 10_000) / 10_000
