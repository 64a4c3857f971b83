"""How well scores tell injections from harmless texts: pure arithmetic on labels and scores."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Shares between 0 and 1; None where the set has no texts that it takes."""

    attacks: int
    benign: int
    precision: float | None
    recall: float | None
    fpr: float | None
    auc: float | None
    recall_at_1_fpr: float | None


def measured(rows: Sequence[tuple[int, float]], threshold: float) -> Measures:
    """The measures of (label, score) at a threshold: a score from it on says injection."""
    attacks = sorted(score for label, score in rows if label)
    benign = sorted(score for label, score in rows if not label)
    found, wrong = _from(attacks, threshold), _from(benign, threshold)
    return Measures(
        attacks=len(attacks),
        benign=len(benign),
        precision=found / (found + wrong) if found + wrong else None,
        recall=found / len(attacks) if attacks else None,
        fpr=wrong / len(benign) if benign else None,
        auc=_auc(rows, len(attacks), len(benign)) if attacks and benign else None,
        recall_at_1_fpr=_from(attacks, _cut(benign, 0.01)) / len(attacks) if attacks and benign else None,
    )


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value that this share of values does not go beyond (nearest rank); None of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _from(ordered: Sequence[float], threshold: float) -> int:
    return len(ordered) - bisect_left(ordered, threshold)


def _cut(benign: Sequence[float], share: float) -> float:
    """The least threshold that no more than this share of harmless texts reach."""
    allowed = int(share * len(benign))
    return math.nextafter(benign[len(benign) - 1 - allowed], math.inf)


def _auc(rows: Sequence[tuple[int, float]], attacks: int, benign: int) -> float:
    """The chance that an injection scores above a harmless text, a draw for half (Mann-Whitney)."""
    ordered = sorted(rows, key=lambda row: row[1])
    below, won = 0, 0.0
    for _, group in groupby(ordered, key=lambda row: row[1]):
        labels = [label for label, _ in group]
        here = sum(1 for label in labels if not label)
        won += (len(labels) - here) * (below + here / 2)
        below += here
    return won / (attacks * benign)
