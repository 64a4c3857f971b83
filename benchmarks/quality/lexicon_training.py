"""Training the lexicon: logistic regression over the runs of texts, by AdaGrad, in plain Python.

Duchi, Hazan, Singer: Adaptive Subgradient Methods, JMLR 12 (2011). All runs that stand in three texts or more are
learned first; the heaviest are kept and learned again, as their number has a part in every text's sum.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence

_LEAST_TEXTS = 3
_RATE = 0.5


def trained(
    texts: Sequence[Sequence[str]],
    labels: Sequence[int],
    weights: Sequence[float],
    *,
    most: int = 20_000,
    strength: float = 0.1,
    epochs: int = 8,
) -> tuple[dict[str, float], float]:
    """Weights of at most so many runs, and the bias. `strength` draws weights towards nought."""
    counts = Counter(run for runs in texts for run in runs)
    known = sorted(run for run, count in counts.items() if count >= _LEAST_TEXTS)
    first, _ = _learned(known, texts, labels, weights, counts, strength, epochs)
    mass = sorted(known, key=lambda run: -abs(first[run]) * math.sqrt(counts[run]))
    kept = sorted(mass[:most])
    learned, bias = _learned(kept, texts, labels, weights, counts, strength, epochs)
    return learned, bias


def _learned(
    known: Sequence[str],
    texts: Sequence[Sequence[str]],
    labels: Sequence[int],
    weights: Sequence[float],
    counts: Counter[str],
    strength: float,
    epochs: int,
) -> tuple[dict[str, float], float]:
    places = {run: at for at, run in enumerate(known)}
    rows = [[places[run] for run in runs if run in places] for runs in texts]
    decay = [strength / counts[run] for run in known]
    beta, squares = [0.0] * len(known), [1e-6] * len(known)
    bias, bias_squares = 0.0, 1e-6
    order = [at for at, row in enumerate(rows) if row]
    chance = random.Random(7)  # the same order in every run
    for _ in range(epochs):
        chance.shuffle(order)
        for at in order:
            row = rows[at]
            scale = 1 / math.sqrt(len(row))
            odds = bias + scale * sum([beta[place] for place in row])
            error = weights[at] * (labels[at] - 1 / (1 + math.exp(-max(-30.0, min(30.0, odds)))))
            bias_squares += error * error
            bias += _RATE * error / math.sqrt(bias_squares)
            pull = error * scale
            for place in row:
                move = pull - decay[place] * beta[place]
                squares[place] += move * move
                beta[place] += _RATE * move / math.sqrt(squares[place])
    return dict(zip(known, beta, strict=True)), bias
