"""Refitting: fits anew from labelled texts, drawn towards those before, so that few texts change them little."""

from collections.abc import Sequence
from dataclasses import replace

from midwatch_ensemble.calibrating.labelled import Labelled
from midwatch_ensemble.calibrating.looking import Looked
from midwatch_ensemble.calibrating.making import (
    Example,
    balanced_weights,
    fit_of,
    fold_of,
    unseen_scores,
    with_thresholds,
)
from midwatch_ensemble.calibration import FitMade
from midwatch_ensemble.evidence import LEXICON, RULES, Evidence
from midwatch_ensemble.lexicon import Lexicon

# As much as so many labelled texts: what the calibration before knows already.
_STRENGTH = 25.0


def refitted(
    before: Sequence[FitMade], rows: Sequence[Labelled], looked: Sequence[Looked], lexicon: Lexicon
) -> list[FitMade]:
    """Each fit anew, as far as its voters spoke of these texts; one whose models were not asked stays as it was."""
    evidence = [
        Evidence(findings=one.findings, votes=one.votes, reading=lexicon.read(row.text))
        for row, one in zip(rows, looked, strict=True)
    ]
    return [_refit(made, rows, evidence) for made in before]


def _refit(before: FitMade, rows: Sequence[Labelled], evidence: Sequence[Evidence]) -> FitMade:
    wanted = set(before.voters) - {RULES, LEXICON}
    if any(not wanted.issubset(one.votes) for one in evidence):
        return before
    weights = balanced_weights([(row.name, row.label) for row in rows])
    examples = [
        Example(
            evidence=replace(one, votes={voter: one.votes[voter] for voter in sorted(wanted)}),
            label=row.label,
            group=fold_of(row.text),
            weight=weight,
        )
        for row, one, weight in zip(rows, evidence, weights, strict=True)
    ]
    made = fit_of(examples, before, _STRENGTH)
    scores = unseen_scores(examples, examples, before, _STRENGTH)
    return with_thresholds(made, [(row.name, row.label) for row in rows], scores, before)
