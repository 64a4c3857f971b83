"""Measures of labelled scores, by hand-made tables."""

import random

import pytest

from midwatch_ml.commanding.measures import measured, quantile


def test_a_perfect_model_has_perfect_measures() -> None:
    found = measured([(1, 0.9), (1, 0.8), (0, 0.1), (0, 0.2)], 0.5)
    assert (found.precision, found.recall, found.fpr, found.auc, found.recall_at_1_fpr) == (1, 1, 0, 1, 1)


def test_counts_are_those_at_the_threshold_itself() -> None:
    found = measured([(1, 0.5), (1, 0.4), (0, 0.5), (0, 0.1)], 0.5)
    assert (found.attacks, found.benign) == (2, 2)
    assert (found.precision, found.recall, found.fpr) == (0.5, 0.5, 0.5)


def test_a_draw_is_half_a_win() -> None:
    assert measured([(1, 0.5), (0, 0.5)], 0.9).auc == 0.5
    assert measured([(1, 0.5), (0, 0.5), (0, 0.1), (1, 0.3)], 0.9).auc == pytest.approx(2.5 / 4)


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    draw = random.Random(7)
    rows = [(draw.randint(0, 1), draw.randint(0, 9) / 10) for _ in range(200)]
    pairs = [(one > other) + (one == other) / 2 for label, one in rows if label for it, other in rows if not it]
    assert measured(rows, 0.5).auc == pytest.approx(sum(pairs) / len(pairs))


def test_recall_at_one_in_a_hundred_allows_one_of_a_hundred() -> None:
    benign = [(0, number / 1000) for number in range(100)]
    found = measured([*benign, (1, 0.0985), (1, 0.0975), (1, 0.5)], 0.5)
    assert found.recall_at_1_fpr == pytest.approx(2 / 3)


@pytest.mark.parametrize(("rows", "missing"), [([(1, 0.5)], "fpr"), ([(0, 0.5)], "recall"), ([], "precision")])
def test_what_a_set_has_no_texts_for_is_unknown(rows: list[tuple[int, float]], missing: str) -> None:
    found = measured(rows, 0.5)
    assert getattr(found, missing) is None
    assert found.auc is None


def test_a_quantile_is_one_of_the_values() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([3.0, 1.0, 2.0], 0.95) == 3.0
    assert quantile([], 0.5) is None
