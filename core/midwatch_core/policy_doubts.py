"""What is doubtful about a policy that can be read: names nothing has, exceptions that end, lines never reached."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase

from midwatch_core.model.finding import Action
from midwatch_core.model.segment import Direction, Part
from midwatch_core.policy_file import PolicyFile, PolicyLine, When

_SOON = timedelta(days=14)
_NEVER_ANSWERED = frozenset({Part.SYSTEM, Part.USER, Part.TOOL_DEFINITION, Part.EMBEDDING_INPUT})
# What detectors in code report; rules of packs are read from the packs.
CATEGORIES_IN_CODE = frozenset({"secret", "pii", "unbounded_consumption", "context_flooding", "tool_poisoning"})
RULES_IN_CODE = ("secrets/", "pii/", "midwatch/exchange/", "ml/", "ensemble/")
_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Rules and categories that something installed reports."""

    rules: Collection[str] = ()
    categories: Collection[str] = ()


def doubts(policy: PolicyFile, known: Known, today: date) -> Iterator[str]:
    """One line for each thing that is allowed, and probably not meant."""
    for position, line in enumerate(policy.lines):
        named = f"line {line.id!r}: "
        yield from (named + doubt for doubt in _of_names(line.when, known))
        yield from (named + doubt for doubt in _of_exceptions(line, known, today))
        yield from (named + doubt for doubt in _of_models(line))
        if doubt := _of_reach(line, policy.lines[:position]):
            yield named + doubt


def _of_names(when: When, known: Known) -> Iterator[str]:
    for glob in when.category:
        if not any(fnmatchcase(category, glob) for category in (*known.categories, *CATEGORIES_IN_CODE)):
            yield f"category: no detector that is installed reports {glob!r}"
    for glob in when.rule:
        if not _may_be_in_code(glob) and not any(fnmatchcase(rule, glob) for rule in known.rules):
            yield f"rule: no pack that is installed has a rule {glob!r}"


def _may_be_in_code(glob: str) -> bool:
    """Whether the glob's beginning agrees with that of the ids which detectors in code give."""
    literal = glob[: next((at for at, letter in enumerate(glob) if letter in _MAGIC), len(glob))]
    return any(start.startswith(literal) or literal.startswith(start) for start in RULES_IN_CODE)


def _of_exceptions(line: PolicyLine, known: Known, today: date) -> Iterator[str]:
    for item in line.exceptions:
        named = f"exception {item.reason[:40]!r}: "
        if item.expires < today:
            yield f"{named}has ended on {item.expires}"
        elif item.expires <= today + _SOON:
            yield f"{named}ends soon, on {item.expires}"
        yield from (named + doubt for doubt in _of_names(item.when, known))


def _of_models(line: PolicyLine) -> Iterator[str]:
    if line.models == "beside" and "deadline_ms" in line.model_fields_set:
        yield "deadline_ms: only a line with `models: inline` waits"
    elif line.models == "inline" and (line.dry_run or (line.action <= Action.FLAG and line.on_failure == "pass")):
        yield "models: no call waits for a line that only puts on record"


def _of_reach(line: PolicyLine, before: Sequence[PolicyLine]) -> str | None:
    when = line.when
    if when.direction is Direction.RESPONSE and when.part and set(when.part) <= _NEVER_ANSWERED:
        return f"is never reached: no answer has a part {', '.join(when.part)}"
    for other in before:
        if not other.dry_run and _covers(other.when, when):
            return f"is never reached: line {other.id!r} above takes all that it would"
    return None


def _covers(wide: When, narrow: When) -> bool:
    """Whether all that meets `narrow` meets `wide`; False where that can't be told from the globs."""
    return (
        wide.direction in (None, narrow.direction)
        and (not wide.part or (bool(narrow.part) and set(narrow.part) <= set(wide.part)))
        and wide.severity_at_least.rank <= narrow.severity_at_least.rank
        and wide.confidence_at_least <= narrow.confidence_at_least
        and all(
            _names_cover(getattr(wide, key), getattr(narrow, key))
            for key in ("tenant", "agent", "provider", "model", "operation", "category", "rule")
        )
    )


def _names_cover(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    if not wide:
        return True
    return bool(narrow) and all(any(_glob_covers(one, other) for one in wide) for other in narrow)


def _glob_covers(wide: str, narrow: str) -> bool:
    if wide == narrow or wide == "*":
        return True
    # Read as a name, a glob is taken by another one whose only sign is `*`: that stands for signs as well.
    return not set(wide) & (_MAGIC - {"*"}) and not set(narrow) & {"[", "?"} and fnmatchcase(narrow, wide)
