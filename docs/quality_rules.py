"""Measures the shipped rule packs on the labelled sets, each half for itself, and shows what leans on one source.

A text counts as found if a detection has an injection category and the confidence of the policy `balanced`. A rule
that found ten attacks or more is *suspect* if all are in one source: it may have learned the source, not the attack;
it *leans* if nine in ten are. A *marker* looks for the set phrase of one exercise, wherever else it may stand.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quality_sets import Half, rows, share

import midwatch_rules
from midwatch_core import Part, ResourceKind, RuleSet, Text, load_pack
from midwatch_core.engine import INJECTION

LEAST_CONFIDENCE = 0.5
MARKERS = frozenset({"midwatch/prompt-injection/proof-of-compromise"})
# Sets of what an agent reads; all others are what users wrote.
_READ = ("indirect_", "agentic_")
_FEWEST_FOR_SUSPICION = 10
_LEANS = 0.9

type Verdict = tuple[Half, bool, frozenset[str]]
"""A text's half, whether it is an attack, and the rules that found something in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A set and what was found in each of its texts."""

    name: str
    verdicts: tuple[Verdict, ...]


@dataclass(slots=True)
class Counts:
    """Attacks and harmless texts, and how many of each were found."""

    attacks: int = 0
    benign: int = 0
    found: int = 0
    wrong: int = 0


def shipped() -> RuleSet:
    """The packs that come with Midwatch."""
    packs = [one for one in midwatch_rules.resources() if one.kind is ResourceKind.RULES]
    return RuleSet(load_pack(one.path.read_bytes(), one.name, budget_s=None) for one in packs)


def measured(file: Path, rules: RuleSet) -> Measured:
    """Each text of a set, judged."""
    part = Part.TOOL_RESULT if file.stem.startswith(_READ) else Part.USER
    verdicts = ((row.half, row.is_attack, found(rules, row.text, part)) for row in rows(file))
    return Measured(name=file.stem, verdicts=tuple(verdicts))


def found(rules: RuleSet, text: str, part: Part) -> frozenset[str]:
    """The injection rules that a text sets off, sure enough for the policy `balanced`."""
    return frozenset(
        one.rule
        for one in rules.match(Text(text), part)
        if one.category in INJECTION and one.confidence >= LEAST_CONFIDENCE
    )


def counts(one: Measured, half: Half, without: Container[str] = ()) -> Counts:
    """What was found in one half, leaving some rules out."""
    tally = Counts()
    for where, is_attack, rules in one.verdicts:
        if where is not half:
            continue
        hit = any(rule not in without for rule in rules)
        tally.attacks += is_attack
        tally.benign += not is_attack
        tally.found += is_attack and hit
        tally.wrong += hit and not is_attack
    return tally


def sources(sets: Iterable[Measured]) -> dict[str, Counter[str]]:
    """For each rule the sources in whose attacks it finds something, and how often."""
    by_rule: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in sets:
        for _, is_attack, rules in one.verdicts:
            for rule in rules if is_attack else ():
                by_rule[rule][one.name] += 1
    return dict(by_rule)


def mark(rule: str, where: Counter[str]) -> str:
    """What is to be said of a rule that found attacks in these sources; nothing of most."""
    if rule in MARKERS:
        return "marker"
    if where.total() < _FEWEST_FOR_SUSPICION:
        return ""
    if len(where) == 1:
        return "suspect"
    return "leans" if max(where.values()) >= _LEANS * where.total() else ""


def marked(by_rule: Mapping[str, Counter[str]], *marks: str) -> frozenset[str]:
    """The rules with one of these marks."""
    return frozenset(rule for rule, where in by_rule.items() if mark(rule, where) in marks)


def table(sets: Sequence[Measured]) -> Iterator[str]:
    """The lines of the table of sets: two for each; recall is also given without doubtful rules."""
    by_rule = sources(sets)
    doubted = (
        frozenset[str](),
        marked(by_rule, "marker", "suspect"),
        marked(by_rule, "marker", "suspect", "leans"),
    )
    yield (
        "| set | half | n (attacks/benign) | precision | recall | without suspects and markers "
        "| and without what leans | false positives |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for one in sets:
        for half in Half:
            yield f"| {one.name} | {half} | {_row([counts(one, half, without) for without in doubted])} |"


def _row(tallies: Sequence[Counts]) -> str:
    """One line's figures: all rules first, then with ever fewer."""
    all_ = tallies[0]
    shares = (
        share(all_.found, all_.found + all_.wrong) if all_.attacks and all_.benign else "–",
        *(share(one.found, one.attacks) for one in tallies),
        share(all_.wrong, all_.benign),
    )
    return f"{all_.attacks + all_.benign} ({all_.attacks}/{all_.benign}) | " + " | ".join(shares)


def rule_table(sets: Iterable[Measured]) -> Iterator[str]:
    """The lines of the table of rules: in how many sources each finds attacks, and where most of them are."""
    yield "| rule | attacks | sources | most in | mark |"
    yield "|---|---|---|---|---|"
    for rule, where in sorted(sources(sets).items()):
        most, count = where.most_common(1)[0]
        lean = f"{most} ({share(count, where.total())})"
        yield f"| {rule.removeprefix('midwatch/')} | {where.total()} | {len(where)} | {lean} | {mark(rule, where)} |"
