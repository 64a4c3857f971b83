"""Calibrating: what a fit learns, how thresholds follow the measured share of wrong ones, how little a few texts do."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_ensemble.calibrating.logistic import fitted
from midwatch_ensemble.calibrating.making import (
    Example,
    balanced_weights,
    fit_of,
    fold_of,
    unseen_scores,
    with_thresholds,
)
from midwatch_ensemble.calibrating.measures import auc, recall_at, share_from, threshold_at
from midwatch_ensemble.evidence import Evidence
from midwatch_ensemble.fusion import OperatingPoint, fused
from midwatch_ensemble.lexicon import Reading
from tests.plugins.ensemble.evidence_made import ALONE, WITH_A_MODEL, finding


def example(*, label: int, words: float, group: str = "0") -> Example:
    found = [finding()] if label else []
    return Example(evidence=Evidence(findings=found, reading=Reading(score=words)), label=label, group=group)


def test_the_likeliest_model_of_one_column_is_found() -> None:
    rows = [(0.0,)] * 10 + [(1.0,)] * 10
    labels = [0] * 8 + [1] * 2 + [0] * 3 + [1] * 7

    slope, bias = fitted(rows, labels, [1.0] * 20, [0.0, 0.0], 1e-9)

    assert bias == pytest.approx(math.log(2 / 8), abs=1e-4)
    assert bias + slope == pytest.approx(math.log(7 / 3), abs=1e-4)


def test_without_rows_the_prior_stays() -> None:
    assert fitted([], [], [], [0.5, -1.0], 10.0) == [0.5, -1.0]


def test_what_can_be_told_apart_for_certain_still_has_an_end() -> None:
    beta = fitted([(-1.0,), (1.0,)], [0, 1], [1.0, 1.0], [0.0, 0.0], 0.1)

    assert all(math.isfinite(one) for one in beta)


def test_a_few_texts_change_a_calibration_little_and_many_change_it_much() -> None:
    def bias(copies: int) -> float:
        return fit_of([example(label=1, words=-1.0)] * copies, ALONE, 25.0).bias

    assert abs(bias(2) - ALONE.bias) < 0.1 < abs(bias(2_000) - ALONE.bias)


def test_voters_that_a_fit_lacks_are_not_learned_about() -> None:
    made = fit_of([example(label=1, words=1.0), example(label=0, words=-1.0)], WITH_A_MODEL, 25.0)

    assert set(made.weights) == set(WITH_A_MODEL.voters)
    assert made.weights["defender/main"] == {
        name: pytest.approx(weight) for name, weight in WITH_A_MODEL.weights["defender/main"].items()
    }


def test_scores_are_by_weights_that_have_not_seen_the_text() -> None:
    odd = example(label=1, words=-9.0, group="odd")
    others = [example(label=label, words=2.0 * label - 1, group="others") for label in (0, 1)] * 50

    unseen = unseen_scores([odd, *others], [odd], ALONE, 25.0)
    assert unseen == [fused(odd.evidence, fit_of(others, ALONE, 25.0).fit).odds]


def test_thresholds_follow_the_measured_share_and_what_cannot_be_measured_stays() -> None:
    chance = random.Random(3)
    scores = [chance.gauss(0, 1) for _ in range(300)] + [3.0] * 10
    texts = [("traffic", 0)] * 300 + [("attacks", 1)] * 10

    made = with_thresholds(ALONE, texts, scores, ALONE)

    assert made.thresholds[OperatingPoint.HIGH_PRECISION] == ALONE.thresholds[OperatingPoint.HIGH_PRECISION]
    assert made.measured[OperatingPoint.HIGH_PRECISION]["by"] == "the version before"
    assert made.measured[OperatingPoint.BALANCED]["false_positives"] == pytest.approx(0.01, abs=0.002)
    assert made.measured[OperatingPoint.BALANCED]["recall"] == 1.0


def test_sets_count_the_same_whatever_their_size() -> None:
    texts = [("large", 0)] * 900 + [("small", 0)] * 100
    scores = [0.0] * 890 + [5.0] * 10 + [0.0] * 99 + [3.0]

    made = with_thresholds(ALONE, texts, scores, ALONE)

    # What the small set's one text would add is too much.
    assert made.measured[OperatingPoint.BALANCED]["false_positives"] == pytest.approx(10 / 900 / 2, abs=1e-4)


@given(harmless=st.lists(st.floats(min_value=-9, max_value=9), max_size=300), target=st.sampled_from([0.05, 0.01]))
def test_no_more_than_the_share_reach_the_threshold_and_it_is_the_least(harmless: list[float], target: float) -> None:
    threshold = threshold_at([(score, 1 / len(harmless)) for score in harmless], target)

    if threshold is None:
        assert len(harmless) * target < 1
    else:
        assert (share_from(harmless, threshold) or 0) <= target + 1e-9
        below = max(one for one in harmless if one < threshold)
        assert (share_from(harmless, below) or 1) > target


def test_auc_counts_draws_for_half() -> None:
    assert auc([(1, 2.0), (0, 1.0)]) == 1.0
    assert auc([(1, 1.0), (0, 1.0)]) == 0.5
    assert auc([(1, 1.0)]) is None
    assert recall_at([(1, 2.0), (1, 0.0), (0, 1.0)], 0.01) == 0.5


def test_a_set_counts_with_the_root_of_its_size_and_both_labels_the_same() -> None:
    sets = [("large", 1)] * 16 + [("small", 1)] * 4 + [("harmless", 0)] * 5
    weights = balanced_weights(sets)

    assert sum(weights[:16]) == pytest.approx(2 * sum(weights[16:20]))
    assert sum(weights[:20]) == pytest.approx(sum(weights[20:])) == pytest.approx(len(sets) / 2)


@given(text=st.text(max_size=80))
def test_variants_of_a_text_share_a_fold(text: str) -> None:
    assert fold_of(text) == fold_of(f"  {text} !1?")
