"""Evidence: what is known of one text, as the numbers that are weighed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from midwatch_core import INJECTION, Finding, TextVote
from midwatch_ensemble.lexicon import Reading

OWN_RULE = "ensemble/prompt-injection"
RULES, LEXICON = "rules", "lexicon"
# From this confidence on a finding counts as one, as in the policy `balanced`.
HIT = 0.5
# Probabilities closer to 0 or 1 say no more: a voter's certainty has an end.
_LEAST = 0.0025
_MIDDLE, _HIGH = 0.83, 2.49


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What detectors found in a text, what models hold of it (scores by voter), and what its words say."""

    findings: Sequence[Finding] = ()
    votes: Mapping[str, float] = field(default_factory=dict)
    reading: Reading | None = None

    @property
    def confidence(self) -> float:
        """The highest among the findings."""
        return max((finding.confidence for finding in self.findings), default=0.0)


def is_raw(finding: Finding, votes: Mapping[str, float]) -> bool:
    """Whether a finding of injection is a detector's own: no ensemble's, and no model's, which votes besides.

    A model's finding ends with its name (`ml/defender`), with which its votes begin (`defender/main`).
    """
    if finding.category not in INJECTION or finding.rule == OWN_RULE:
        return False
    name = finding.rule.rpartition("/")[2]
    return all(voter.partition("/")[0] != name for voter in votes)


def votes_of(votes: Sequence[TextVote]) -> dict[str, float]:
    """The highest score of each voter."""
    highest: dict[str, float] = {}
    for item in votes:
        highest[item.vote.voter] = max(item.vote.score, highest.get(item.vote.voter, 0.0))
    return highest


def log_odds(share: float) -> float:
    """Log-odds of a probability; of one next to 0 or 1, and of what is none, no more than six either way."""
    held = min(max(share, _LEAST), 1 - _LEAST) if share == share else 0.5
    return math.log(held / (1 - held))


def signals(evidence: Evidence) -> dict[str, dict[str, float]]:
    """The numbers that each voter gives. A vote has three, so that its weight may grow with its certainty."""
    found = {finding.rule for finding in evidence.findings if finding.confidence >= HIT}
    given = {
        RULES: {"hit": float(bool(found)), "several": float(len(found) > 1)},
    }
    if evidence.reading is not None:
        given[LEXICON] = {"score": evidence.reading.score}
    for voter, share in evidence.votes.items():
        odds = log_odds(share)
        given[voter] = {"odds": odds, "beyond_middle": max(0.0, odds - _MIDDLE), "beyond_high": max(0.0, odds - _HIGH)}
    return given
