"""Fusion: log-odds of an injection as a sum of what each voter gives. Few weights, so that each can be read."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from midwatch_ensemble.evidence import Evidence, signals

# A model that no weights were fitted for counts with half the log-odds it declares.
UNKNOWN_SHARE = 0.5
SURE_RULES = "sure-rules"


class OperatingPoint(StrEnum):
    """How many harmless texts may be held to be attacks: see `TARGETS`."""

    HIGH_RECALL = "high_recall"
    BALANCED = "balanced"
    HIGH_PRECISION = "high_precision"


# The share of harmless texts that a point may be wrong on, measured on texts that the weights have not seen.
TARGETS: Mapping[OperatingPoint, float] = {
    OperatingPoint.HIGH_RECALL: 0.05,
    OperatingPoint.BALANCED: 0.01,
    OperatingPoint.HIGH_PRECISION: 0.001,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Weights for one set of voters, by voter and signal; a threshold (log-odds) for each operating point."""

    weights: Mapping[str, Mapping[str, float]]
    bias: float
    thresholds: Mapping[OperatingPoint, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """Log-odds, and what each voter gave to them; what is left is the bias."""

    odds: float
    given: Mapping[str, float]


def fused(evidence: Evidence, fit: Fit) -> Fused:
    """What a text's evidence comes to. Voters that the fit does not know count with a share of what they declare."""
    spoken = ((voter, numbers) for voter, numbers in signals(evidence).items() if any(numbers.values()))
    given = {voter: _given(numbers, fit.weights.get(voter)) for voter, numbers in spoken}
    return Fused(odds=fit.bias + sum(given.values()), given=given)


def lifted(sum_: Fused, least: float) -> Fused:
    """The same with what is missing up to some log-odds given by `SURE_RULES`."""
    if sum_.odds >= least:
        return sum_
    return Fused(odds=least, given={**sum_.given, SURE_RULES: least - sum_.odds})


def probability(odds: float) -> float:
    """The probability that log-odds stand for."""
    return 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1 + math.exp(odds))


def _given(numbers: Mapping[str, float], weights: Mapping[str, float] | None) -> float:
    if weights is None:
        return UNKNOWN_SHARE * numbers.get("odds", 0.0)
    return sum(weights.get(name, 0.0) * number for name, number in numbers.items())
