"""Mean and deviation with exponential weights, and what is taken in of what is far off."""

import math
import random
import statistics
from array import array

import pytest

from midwatch_anomaly.baseline import CELLS, deviation, learn, mean, samples, weight_of

FLOOR = 0.01


def learned(
    values: list[float], *, half_life: float = 60, limit: float = 3.0, lower: float | None = None
) -> array[float]:
    cells = array("f", bytes(4 * CELLS))
    for value in values:
        learn(cells, 0, value, weight_of(half_life), FLOOR, limit, lower)
    return cells


def test_of_few_samples_it_is_their_plain_mean_and_deviation() -> None:
    values = [3.0, 5.0, 4.0, 6.0, 2.0]
    cells = learned(values)
    assert mean(cells, 0) == pytest.approx(statistics.fmean(values))
    assert deviation(cells, 0, FLOOR) == pytest.approx(statistics.pstdev(values), rel=1e-5)
    assert samples(cells, 0) == 5


def test_of_many_it_comes_to_those_of_the_source() -> None:
    chance = random.Random(7)
    cells = learned([chance.gauss(10, 2) for _ in range(20_000)], half_life=2000)
    assert mean(cells, 0) == pytest.approx(10, abs=0.2)
    assert deviation(cells, 0, FLOOR) == pytest.approx(2, abs=0.15)


def test_after_a_half_life_a_small_step_is_half_taken_in() -> None:
    cells = learned([0.0, 1.0] * 500 + [1.0] * 60)
    assert mean(cells, 0) == pytest.approx(0.75, abs=0.02)


def test_what_is_far_off_is_taken_in_only_so_far() -> None:
    usual = [0.0, 1.0] * 500
    once, never = learned([*usual, 1e6]), learned(usual)
    assert mean(once, 0) - mean(never, 0) <= 3 * deviation(never, 0, FLOOR) * weight_of(60) * 1.01


def test_a_constant_series_has_the_floor_for_a_deviation() -> None:
    cells = learned([5.0] * 1000)
    assert mean(cells, 0) == pytest.approx(5)
    assert deviation(cells, 0, FLOOR) == FLOOR


def test_a_lower_bound_keeps_weekends_from_being_usual() -> None:
    week = [5.0] * 300 + [0.0] * 120
    assert mean(learned(week * 8, half_life=180, lower=1.0), 0) > mean(learned(week * 8, half_life=180), 0)


def test_a_million_samples_leave_it_finite() -> None:
    cells = learned([math.sin(number) for number in range(100_000)], half_life=100_000)
    assert all(map(math.isfinite, cells))
