"""Validating: readings and scores of every text by a lexicon and weights that have not seen it, in two ways.

`unseen origin`: without all texts of its origin. `unseen text`: without a fifth of all texts, variants kept together.
The first is what to expect of attacks of other makers, the second of more from the same.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from benchmarks.quality.labelled import Labelled
from benchmarks.quality.lexicon_training import trained
from benchmarks.quality.seen import Seen
from midwatch_ensemble.calibrating.making import Example, balanced_weights, fit_of, fold_of, unseen_scores
from midwatch_ensemble.calibration import FitMade
from midwatch_ensemble.fusion import OperatingPoint
from midwatch_ensemble.lexicon import Lexicon, Reading, runs

# Attacks that are ordinary requests, wrong only in their place: nothing is learned from them.
_NOT_LEARNED = frozenset({"agentic_asb"})
# How much of the fusion's weights comes from readings of unseen texts, the rest from those of unseen origins.
_SHARE_OF_TEXTS = 0.85
_STRENGTH = 1.0
VOTERS = (("rules", "lexicon"), ("rules", "lexicon", "defender/main", "defender/aux"))
_SIGNALS = {
    "rules": ("hit", "several"),
    "lexicon": ("score",),
    "defender/main": ("odds", "beyond_middle", "beyond_high"),
    "defender/aux": ("odds",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """All texts, with what was seen in them. `learned` are those that weights are fitted to."""

    rows: Sequence[Labelled]
    seen: Sequence[Seen]
    learned: Sequence[int]
    weights: Sequence[float]

    @classmethod
    def of(cls, rows: Sequence[Labelled], seen: Sequence[Seen]) -> Corpus:
        """A corpus; origins count with the root of their size, attacks and harmless texts the same."""
        learned = [at for at, row in enumerate(rows) if row.name not in _NOT_LEARNED]
        shares = balanced_weights([(rows[at].origin, rows[at].label) for at in learned])
        weights = [0.0] * len(rows)
        for at, share in zip(learned, shares, strict=True):
            weights[at] = share
        return cls(rows=rows, seen=seen, learned=learned, weights=weights)

    def origins(self) -> list[str]:
        """Each text's origin."""
        return [row.origin for row in self.rows]

    def folds(self) -> list[str]:
        """Each text's fold."""
        return [fold_of(row.text) for row in self.rows]


class Lexicons:
    """Lexicons of a corpus, trained as they are needed."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._runs = [sorted(runs(row.text)) for row in corpus.rows]

    def whole(self) -> tuple[dict[str, float], float]:
        """Weights and bias learned from all texts."""
        return self._trained(self._corpus.learned)

    def unseen(self, groups: Sequence[str]) -> list[Reading]:
        """Each text read by a lexicon that was trained without its group."""
        readings: list[Reading] = [Reading(score=0.0)] * len(groups)
        for group in sorted(set(groups)):
            began = time.monotonic()
            weights, bias = self._trained([at for at in self._corpus.learned if groups[at] != group])
            lexicon = Lexicon(weights, bias)
            for at, other in enumerate(groups):
                if other == group:
                    readings[at] = lexicon.read(self._corpus.rows[at].text)
            print(f"lexicon without {group}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        return readings

    def _trained(self, places: Sequence[int]) -> tuple[dict[str, float], float]:
        corpus = self._corpus
        return trained(
            [self._runs[at] for at in places],
            [corpus.rows[at].label for at in places],
            [corpus.weights[at] for at in places],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What lexicons said of each text that had not seen its origin, or not it."""

    origin: Sequence[Reading]
    text: Sequence[Reading]


def blank(voters: Sequence[str]) -> FitMade:
    """A fit to begin with: all weights nought."""
    thresholds = dict.fromkeys(OperatingPoint, 0.0)
    weights = {voter: dict.fromkeys(_SIGNALS[voter], 0.0) for voter in voters}
    return FitMade(voters=tuple(voters), bias=0.0, weights=weights, thresholds=thresholds)


def fit_for(corpus: Corpus, readings: Readings, voters: Sequence[str]) -> FitMade:
    """The weights for these voters, from all texts."""
    return fit_of(_training(corpus, readings, corpus.origins(), voters), blank(voters), _STRENGTH)


def scores_for(corpus: Corpus, readings: Readings, voters: Sequence[str]) -> dict[str, list[float]]:
    """Log-odds of each text by weights and a lexicon that have not seen its origin, or not it."""
    ways = {"unseen origin": (corpus.origins(), readings.origin), "unseen text": (corpus.folds(), readings.text)}
    return {
        way: unseen_scores(
            _training(corpus, readings, groups, voters),
            _examples(corpus, said, groups, voters, range(len(corpus.rows))),
            blank(voters),
            _STRENGTH,
        )
        for way, (groups, said) in ways.items()
    }


def _training(corpus: Corpus, readings: Readings, groups: Sequence[str], voters: Sequence[str]) -> list[Example]:
    """Each text twice: as read without its origin, and as read without itself."""
    shares = ((readings.origin, 1 - _SHARE_OF_TEXTS), (readings.text, _SHARE_OF_TEXTS))
    return [
        replace(example, weight=share * corpus.weights[at])
        for said, share in shares
        for at, example in zip(corpus.learned, _examples(corpus, said, groups, voters, corpus.learned), strict=True)
    ]


def _examples(
    corpus: Corpus, said: Sequence[Reading], groups: Sequence[str], voters: Sequence[str], places: Iterable[int]
) -> list[Example]:
    return [
        Example(evidence=corpus.seen[at].only(voters).evidence(said[at]), label=corpus.rows[at].label, group=groups[at])
        for at in places
    ]
