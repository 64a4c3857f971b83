"""Measures: how well scores tell attacks from harmless texts, and the threshold for a share of wrong ones."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby

# What sums of shares are off by.
_SLACK = 1e-9

type Scored = tuple[int, float]
"""A label (1 for an attack) and a score."""


def share_from(scores: Sequence[float], threshold: float) -> float | None:
    """The share of scores from a threshold on; None of none."""
    return sum(1 for score in scores if score >= threshold) / len(scores) if scores else None


def threshold_at(harmless: Sequence[tuple[float, float]], target: float) -> float | None:
    """The least threshold that no more than this share of harmless texts reach; None of too few to tell.

    Texts are (score, share): what each counts for, one in all.
    """
    if len(harmless) * target < 1:
        return None
    over = 0.0
    for score, of_score in groupby(sorted(harmless, reverse=True), key=lambda text: text[0]):
        over += sum(share for _, share in of_score)
        if over > target + _SLACK:
            return math.nextafter(score, math.inf)
    return None


def auc(rows: Sequence[Scored]) -> float | None:
    """The chance that an attack scores above a harmless text, a draw for half (Mann-Whitney); None without both."""
    attacks = sum(label for label, _ in rows)
    harmless = len(rows) - attacks
    if not attacks or not harmless:
        return None
    below, won = 0, 0.0
    for _, group in groupby(sorted(rows, key=lambda row: row[1]), key=lambda row: row[1]):
        labels = [label for label, _ in group]
        here = labels.count(0)
        won += (len(labels) - here) * (below + here / 2)
        below += here
    return won / (attacks * harmless)


def recall_at(rows: Sequence[Scored], target: float) -> float | None:
    """Recall at the threshold that gives at most this share of wrong ones; None without both kinds."""
    attacks = [score for label, score in rows if label]
    harmless = sorted(score for label, score in rows if not label)
    if not attacks or not harmless:
        return None
    allowed = math.floor(target * len(harmless) + 1e-9)
    cut = math.nextafter(harmless[len(harmless) - 1 - allowed], math.inf)
    ordered = sorted(attacks)
    return (len(ordered) - bisect_left(ordered, cut)) / len(ordered)
