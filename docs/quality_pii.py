"""Measures the plugin `pii` on a labelled set: precision, recall and F1 of typed spans, per kind and half.

A line of the set is `{"text": …, "spans": [[start, end, type], …]}`. A value counts as found if a detection of its
kind overlaps it; a detection counts as right if it overlaps a value of its kind. Addresses and dates are judged apart:
in the set the first are torn into pieces (a number, a suite, a code), which are no addresses by themselves, and the
second are of any kind, not of birth.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from quality_sets import Half, half_of, lines

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


def measured(file: Path) -> dict[Half, Tally]:
    """The tallies of both halves of a set."""
    plugin, tallies = Pii(), {half: Counter[tuple[str, str]]() for half in Half}
    for line in lines(file):
        found = [(one.start, one.end, one.kind) for one in plugin.inspect_text(Text(line["text"]), Part.USER)]
        known = [(start, end, (TYPES | APART).get(kind, kind)) for start, end, kind in line["spans"]]
        count(tallies[half_of(line["text"])], found, known)
    return tallies


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


def show(file: Path) -> None:
    """Print what was missed and what was wrong in the tuning half: the other is not to be looked at."""
    plugin = Pii()
    for line in lines(file):
        text = line["text"]
        if half_of(text) is not Half.TUNING:
            continue
        found = [(one.start, one.end, one.kind) for one in plugin.inspect_text(Text(text), Part.USER)]
        known = [(start, end, (TYPES | APART).get(kind, kind)) for start, end, kind in line["spans"]]
        for name, ours, theirs in (("missed", known, found), ("wrong", found, known)):
            for one in ours:
                if one[2] in {*TYPES.values(), *APART.values()} and not overlaps(one, theirs):
                    around = text[max(0, one[0] - 60) : one[1] + 40]
                    print(f"{name} {one[2]} {text[one[0] : one[1]]!r} in {around!r}")


def table(tallies: dict[Half, Tally]) -> Iterator[str]:
    """The lines of the table: one a kind and half, then all structured ones together."""
    yield "| kind | half | n | precision | recall | F1 |"
    yield "|---|---|---|---|---|---|"
    asked = {*TYPES.values(), *APART.values()}
    asked |= {kind for tally in tallies.values() for kind, what in tally if what == "wrong"}
    for kind in sorted(asked):
        for half, tally in tallies.items():
            yield row(kind, half, tally, [kind])
    structured = sorted(asked - set(APART.values()))
    for half, tally in tallies.items():
        yield row("all structured", half, tally, structured)


def row(name: str, half: Half, tally: Tally, kinds: list[str]) -> str:
    """A line of the table; where nothing was found, or nothing is there, a dash."""
    known, met, right, wrong = (sum(tally[kind, what] for kind in kinds) for what in ("known", "met", "right", "wrong"))
    precision = right / (right + wrong) if right + wrong else 0.0
    recall = met / known if known else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    shares = [f"{value:.3f}" if known or right + wrong else "–" for value in (precision, recall, f1)]
    return f"| {name} | {half} | {known} | " + " | ".join(shares) + " |"


if __name__ == "__main__":
    show(Path(sys.argv[1]))
