"""The tables of docs/quality.md that this package writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.quality.judges import Judge, judged
from benchmarks.quality.labelled import Labelled
from benchmarks.quality.making import VALIDATED
from benchmarks.quality.seen import Seen

PAGE = Path(__file__).resolve().parents[2] / "docs" / "quality.md"
_BALANCED = "balanced"


def set_table(
    names: Sequence[str], rows: Sequence[Labelled], seen: Sequence[Seen], by: Sequence[Judge]
) -> Iterator[str]:
    """Each set and judge: precision, recall, false positives, recall at 1 % of them, AUC."""
    yield "| set (attacks/harmless) | judge | precision | recall | false positives | recall at 1 % | AUC |"
    yield "|---|---|---|---|---|---|---|"
    for name in names:
        places = [at for at, row in enumerate(rows) if row.name == name]
        here, there = [rows[at] for at in places], [seen[at] for at in places]
        attacks = sum(row.label for row in here)
        for judge in by:
            one = judged(judge, here, there)
            cells = (one.precision, one.recall, one.false_positives, one.recall_at_1, one.auc)
            yield f"| {name} ({attacks}/{len(here) - attacks}) | {judge.name} | {' | '.join(map(share, cells))} |"


def unseen_table(voters: str) -> Iterator[str]:
    """The point `balanced` on texts whose origin, or which themselves, weights and lexicon have not seen."""
    validated: Mapping[str, Any] = json.loads(VALIDATED.read_text("utf-8"))[voters]
    yield "| set | recall, unseen text | recall, unseen origin | false positives, unseen text | … unseen origin |"
    yield "|---|---|---|---|---|"
    for name in sorted(validated["unseen text"]):
        text, origin = (validated[way][name][_BALANCED] for way in ("unseen text", "unseen origin"))
        yield f"| {name} | {share(text[0])} | {share(origin[0])} | {share(text[1])} | {share(origin[1])} |"


def share(value: float | None) -> str:
    """A share to three places; one of nothing is a dash."""
    return "–" if value is None else f"{value:.3f}"
