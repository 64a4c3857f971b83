"""Logistic regression by Newton's method, for a handful of columns; pure Python, as a calibration is made rarely."""

import math
from collections.abc import Sequence

# Steps until nothing moves any more; a well-posed fit takes six or seven.
_MOST_STEPS = 30
_STILL = 1e-4
_LARGEST_STEP = 5.0


def fitted(
    rows: Sequence[Sequence[float]],
    labels: Sequence[int],
    weights: Sequence[float],
    prior: Sequence[float],
    strength: float,
) -> list[float]:
    """Coefficients, the last one the bias, of the likeliest model; `prior` draws each with `strength` towards it.

    `rows` have a column less than `prior`: the bias is added. With no rows the prior is given back.
    """
    beta = list(prior)
    size = len(prior)
    full = [(*row, 1.0) for row in rows]
    for _ in range(_MOST_STEPS):
        gradient = [strength * (prior[i] - beta[i]) for i in range(size)]
        hessian = [[strength if i == j else 0.0 for j in range(size)] for i in range(size)]
        for row, label, weight in zip(full, labels, weights, strict=True):
            share = _probability(sum(map(float.__mul__, beta, row)))
            error, curve = weight * (label - share), weight * share * (1 - share)
            for i in range(size):
                if row[i]:
                    gradient[i] += error * row[i]
                    scaled, line = curve * row[i], hessian[i]
                    for j in range(i + 1):
                        line[j] += scaled * row[j]
        step = _solved(hessian, gradient)
        largest = max(map(abs, step))
        held = min(1.0, _LARGEST_STEP / largest) if largest else 0.0
        beta = [old + held * move for old, move in zip(beta, step, strict=True)]
        if largest < _STILL:
            break
    return beta


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-max(-40.0, min(40.0, odds))))


def _solved(lower: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The solution of a symmetric, positive definite system given by its lower half (Cholesky)."""
    size = len(right)
    root = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = lower[i][j] - sum(root[i][k] * root[j][k] for k in range(j))
            root[i][j] = math.sqrt(max(rest, 1e-12)) if i == j else rest / root[j][j]
    half = [0.0] * size
    for i in range(size):
        half[i] = (right[i] - sum(root[i][k] * half[k] for k in range(i))) / root[i][i]
    solution = [0.0] * size
    for i in reversed(range(size)):
        solution[i] = (half[i] - sum(root[k][i] * solution[k] for k in range(i + 1, size))) / root[i][i]
    return solution
