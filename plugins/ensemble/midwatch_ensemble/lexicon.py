"""The lexicon: words, and runs of two and three of them, that stand in attacks more or less than in other texts.

A logistic model over a text's distinct runs, each divided by the root of how many are known, so that length alone says
nothing. Its weights are data (`lexicon.json`), fitted by `benchmarks/quality`.
"""

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

# Code points read of a text: what is longer is for the models, which read it in windows.
MOST_CHARACTERS = 4_000
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_DIGITS = re.compile(r"\d+")
# Weights are kept as whole numbers of this share: a file of half the size.
_UNIT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a text says: log-odds, and the runs that weigh most towards an attack, the heaviest first."""

    score: float
    words: tuple[str, ...] = ()


def runs(text: str) -> set[str]:
    """The distinct words of a text's beginning, and runs of two and three; case, width and digits do not matter."""
    plain = _DIGITS.sub("0", unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).casefold())
    words = _WORD.findall(plain)
    found = set(words)
    found.update(map(" ".join, pairwise(words)))
    found.update(map(" ".join, zip(words, words[1:], words[2:], strict=False)))
    return found


class Lexicon:
    """Weights of runs, and the bias."""

    def __init__(self, weights: Mapping[str, float], bias: float, *, version: str = "") -> None:
        self.version = version
        self._weights = dict(weights)
        self._bias = bias

    @classmethod
    def shipped(cls) -> "Lexicon":
        """The one that comes with the plugin."""
        document = json.loads((files("midwatch_ensemble") / "data" / "lexicon.json").read_bytes())
        weights = {run: weight * _UNIT for run, weight in document["runs"].items()}
        return cls(weights, document["bias"], version=document["version"])

    def read(self, text: str) -> Reading:
        """What the words of a text say; of a text without a known one, what the bias says: next to nothing."""
        known = [(weight, run) for run in runs(text) if (weight := self._weights.get(run)) is not None]
        if not known:
            return Reading(score=self._bias)
        score = self._bias + sum(weight for weight, _ in known) / math.sqrt(len(known))
        return Reading(score=score, words=_heaviest(known))


def document_of(weights: Mapping[str, float], bias: float, *, version: str, about: str) -> dict[str, object]:
    """The JSON document of a lexicon."""
    units = {run: round(weight / _UNIT) for run, weight in sorted(weights.items())}
    return {"version": version, "about": about, "bias": round(bias, 4), "runs": units}


def _heaviest(known: Iterable[tuple[float, str]]) -> tuple[str, ...]:
    """Three runs that are words, not parts of another one that is shown."""
    shown: list[str] = []
    for weight, run in sorted(known, key=lambda item: (-item[0], item[1])):
        if weight <= 0 or len(shown) == 3:
            break
        if any(char.isalpha() for char in run) and not any(run in other or other in run for other in shown):
            shown.append(run)
    return tuple(shown)
