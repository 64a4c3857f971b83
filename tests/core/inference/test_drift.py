"""Drift: the population stability index by hand, and the window that it is taken of."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import ScoreWindow, psi, shares_of


@pytest.mark.parametrize(
    ("expected", "actual", "index"),
    [
        pytest.param([0.5, 0.5], [10, 10], 0.0, id="as expected"),
        pytest.param([0.5, 0.5], [3, 1], 0.25 * math.log(1.5) - 0.25 * math.log(0.5), id="by hand"),
        pytest.param([50, 50], [3, 1], 0.25 * math.log(1.5) - 0.25 * math.log(0.5), id="counts are shares too"),
        pytest.param([0.5, 0.5], [0, 0], 0.0, id="nothing was seen"),
        pytest.param([1.0, 0.0], [0, 7], 2 * 0.9999 * math.log(1e4), id="a class that nobody expected"),
    ],
)
def test_the_index(expected: list[float], actual: list[int], index: float) -> None:
    assert psi(expected, actual) == pytest.approx(index)


@pytest.mark.parametrize(("expected", "actual"), [([0.5, 0.5], [1]), ([0.0, 0.0], [1, 1]), ([], [])])
def test_what_can_not_be_compared(expected: list[float], actual: list[int]) -> None:
    with pytest.raises(ValueError, match="counts against"):
        psi(expected, actual)


@given(st.lists(st.tuples(st.floats(0.001, 1), st.integers(0, 10_000)), min_size=1, max_size=20))
def test_it_is_never_negative_and_always_a_number(classes: list[tuple[float, int]]) -> None:
    assert 0 <= psi([share for share, _ in classes], [count for _, count in classes]) < math.inf


@pytest.mark.parametrize(
    ("scores", "shares"),
    [
        pytest.param([], (0, 0, 0, 0), id="none"),
        pytest.param([0.0, 0.2, 0.25, 1.0], (0.5, 0.25, 0, 0.25), id="a bound belongs to the class above"),
        pytest.param([-1.0, 2.0], (0.5, 0, 0, 0.5), id="what is outside is in the outermost"),
    ],
)
def test_shares(scores: list[float], shares: tuple[float, ...]) -> None:
    assert shares_of(scores, 4) == shares


def test_a_few_scores_say_nothing() -> None:
    window = ScoreWindow((0.9, 0.1), least=3)
    for score in (0.1, 0.2, math.nan, math.inf):
        window.add(score)
    assert window.drift() is None
    window.add(0.9)
    assert window.drift() == pytest.approx(psi((0.9, 0.1), (2, 1)))


@given(st.lists(st.floats(0, 1), max_size=100))
def test_the_newest_scores_count(scores: list[float]) -> None:
    window = ScoreWindow((0.25,) * 4, most=10, least=1)
    for score in scores:
        window.add(score)
    newest = scores[-10:]
    assert len(window) == len(newest)
    assert window.counts == tuple(round(share * len(newest)) for share in shares_of(newest, 4))
