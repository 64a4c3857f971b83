"""Prints the quality table of the shipped rule packs on the labelled sets: `uv run python docs/quality.py`.

A text counts as found if a detection has an injection category and the confidence of the policy `balanced`. A rule
that finds in one source only is listed as suspect: it may have learned the source instead of the attack.
"""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import midwatch_rules
from midwatch_core import Part, ResourceKind, RuleSet, Text, load_pack
from midwatch_core.engine import INJECTION

LEAST_CONFIDENCE = 0.5
# A set of documents that were read; all others are what users wrote.
DOCUMENTS = ("indirect_bipia",)
_FEWEST_FOR_SUSPICION = 10


@dataclass(slots=True)
class Tally:
    """Counts of one set."""

    name: str
    counts: Counter[tuple[bool, bool]] = field(default_factory=Counter)
    attacks_by_rule: Counter[str] = field(default_factory=Counter)

    def row(self) -> str:
        """A line of the table; a share of nothing is a dash."""
        true, false = self.counts[True, True], self.counts[False, True]
        attacks, benign = true + self.counts[True, False], false + self.counts[False, False]
        shares = (
            share(true, true + false) if attacks and benign else "–",
            share(true, attacks),
            share(false, benign),
        )
        return f"| {self.name} | {attacks + benign} ({attacks}/{benign}) | " + " | ".join(shares) + " |"


def main() -> None:
    """Measure each set, print the table and the suspects."""
    folder = Path(os.environ.get("MIDWATCH_DATA", "../shared/data"))
    files = sorted(folder.glob("injection/*.jsonl")) + sorted(folder.glob("benign/*.jsonl"))
    if not files:
        print("No labelled sets found: skipped. MIDWATCH_DATA names their folder.")
        return
    rules = shipped()
    print("| set | n (attacks/benign) | precision | recall | false positives |\n|---|---|---|---|---|")
    tallies = [measured(file, rules) for file in files]
    for tally in tallies:
        print(tally.row())
    print("\nSuspect (ten attacks or more, all in one source):", ", ".join(suspects(tallies)) or "none")


def shipped() -> RuleSet:
    """The packs that come with Midwatch."""
    packs = [one for one in midwatch_rules.resources() if one.kind is ResourceKind.RULES]
    return RuleSet(load_pack(one.path.read_bytes(), one.name, budget_s=None) for one in packs)


def measured(file: Path, rules: RuleSet) -> Tally:
    """Each text of a set, judged."""
    tally = Tally(file.stem)
    part = Part.DOCUMENT if file.stem.startswith(DOCUMENTS) else Part.USER
    for text, is_attack in labelled(file):
        found = {
            one.rule
            for one in rules.match(Text(text), part)
            if one.category in INJECTION and one.confidence >= LEAST_CONFIDENCE
        }
        tally.counts[is_attack, bool(found)] += 1
        if is_attack:
            tally.attacks_by_rule.update(found)
    return tally


def labelled(file: Path) -> Iterator[tuple[str, bool]]:
    """Texts of a set and whether each is an attack."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["text"], bool(row["label"])


def suspects(tallies: list[Tally]) -> list[str]:
    """Rules that found often, but in one source only."""
    sources: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for tally in tallies:
        for rule, count in tally.attacks_by_rule.items():
            sources[rule][tally.name] += count
    return sorted(
        f"{rule} ({next(iter(counts))}, {counts.total()})"
        for rule, counts in sources.items()
        if len(counts) == 1 and counts.total() >= _FEWEST_FOR_SUSPICION
    )


def share(part: int, whole: int) -> str:
    """A share to three places."""
    return f"{part / whole:.3f}" if whole else "–"


if __name__ == "__main__":
    main()
