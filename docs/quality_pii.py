"""Prints the quality of the plugin `pii` on a labelled set: precision, recall and F1 of typed spans, per type.

    python docs/quality_pii.py SET.jsonl

A line of the set is `{"text": …, "spans": [[start, end, type], …]}`. A value counts as found if a detection of its
kind overlaps it; a detection counts as right if it overlaps a value of its kind. Addresses are judged apart: in the
set they are torn into pieces (a number, a suite, a code), which are no addresses by themselves.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from midwatch_core import Part, Text
from midwatch_pii import Pii

type Span = tuple[int, int, str]
type Tally = Counter[tuple[str, str]]

TYPES = {
    "CREDIT_CARD": "CARD",
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
    "PHONE_NUMBER": "PHONE",
    "US_DRIVER_LICENSE": "DRIVING_LICENCE",
    "US_SSN": "SSN",
}
APART = {"ADDRESS": "ADDRESS", "DATE_TIME": "DATE_OF_BIRTH"}


def main(path: Path) -> None:
    """Measure, print."""
    plugin, tally = Pii(), Counter[tuple[str, str]]()
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found = [(one.start, one.end, one.kind) for one in plugin.inspect_text(Text(row["text"]), Part.USER)]
        known = [(start, end, (TYPES | APART).get(kind, kind)) for start, end, kind in row["spans"]]
        count(tally, found, known)
        if "-v" in sys.argv:
            show(row["text"], found, known)
    print_table(tally)


def overlaps(one: Span, others: list[Span]) -> bool:
    """Whether a span touches one of the same kind."""
    return any(one[2] == other[2] and one[0] < other[1] and other[0] < one[1] for other in others)


def count(tally: Tally, found: list[Span], known: list[Span]) -> None:
    """Add one text."""
    for one in found:
        tally[one[2], "right" if overlaps(one, known) else "wrong"] += 1
    for one in known:
        tally[one[2], "known"] += 1
        tally[one[2], "met"] += overlaps(one, found)


def show(text: str, found: list[Span], known: list[Span]) -> None:
    """Print what was missed and what was wrong."""
    for name, ours, theirs in (("missed", known, found), ("wrong", found, known)):
        for one in ours:
            if one[2] in {*TYPES.values(), *APART.values()} and not overlaps(one, theirs):
                around = text[max(0, one[0] - 40) : one[1] + 20]
                print(f"{name} {one[2]} {text[one[0] : one[1]]!r} in {around!r}")


def print_table(tally: Tally) -> None:
    """One line a kind, then all structured ones together."""
    asked = {*TYPES.values(), *APART.values()} | {kind for kind, what in tally if what == "wrong"}
    kinds = sorted({kind for kind, _ in tally} & asked)
    print("| kind | n | precision | recall | F1 |\n|---|---|---|---|---|")
    for kind in kinds:
        print_row(kind, *(tally[kind, what] for what in ("known", "met", "right", "wrong")))
    structured = [kind for kind in kinds if kind not in APART.values()]
    sums = [sum(tally[kind, what] for kind in structured) for what in ("known", "met", "right", "wrong")]
    print_row("all structured", *sums)


def print_row(name: str, known: int, met: int, right: int, wrong: int) -> None:
    """A line of the table."""
    precision, recall = right / max(1, right + wrong), met / max(1, known)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    print(f"| {name} | {known} | {precision:.3f} | {recall:.3f} | {f1:.3f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
