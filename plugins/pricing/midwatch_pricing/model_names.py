"""Which entry of a price list a model's name means: exactly, or by a dated alias, never by a bare prefix.

`gpt-4.1` is not `gpt-4`, though it begins so; `gpt-4.1-2025-04-14` is `gpt-4.1`. The list's own rules are looser in
places (`claude-opus-4-5…` is any name that begins so), so only what they name is taken from them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# A date (2025-04-14, 20250414, 05-20, 09-2025), or a three-digit version (001), as providers append them to a model.
_DATE = r"(?:20\d{2}-\d{2}-\d{2}|20\d{6}|\d{2}-\d{2}|\d{2}-20\d{2}|\d{3})"
_DATED = re.compile(rf"^(?P<stem>.+?)[-@]{_DATE}$")
# What may follow a name that the list gives as the beginning of names.
_RELEASE = re.compile(rf"^(?P<stem>.+?)(?:-(?:preview|exp|latest))?(?:[-@:]{_DATE})?(?:@default)?(?:-v\d+)?(?::\d+)?$")
_FINE_TUNED = re.compile(r"^(?P<base>ft:[^:]+?)(?:-20\d{2}-\d{2}-\d{2}|-\d{4})?:.*$")
_PREFIXES = ("models/", "publishers/google/models/", "publishers/anthropic/models/")


@dataclass(slots=True)
class ModelNames:
    """The names of one provider's entries, as keys of the entries' positions."""

    exact: dict[str, int] = field(default_factory=dict)
    beginnings: dict[str, int] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], int]] = field(default_factory=list)

    def find(self, name: str) -> int | None:
        """The position of the entry that a model's name means."""
        name = name.lower()
        for prefix in _PREFIXES:
            name = name.removeprefix(prefix)
        if tuned := _FINE_TUNED.match(name):
            return self.exact.get(tuned["base"])
        if name in self.exact:
            return self.exact[name]
        for pattern, position in self.patterns:
            if pattern.search(name):
                return position
        if (dated := _DATED.match(name)) and dated["stem"] in self.exact:
            return self.exact[dated["stem"]]
        return self._released(name)

    def _released(self, name: str) -> int | None:
        if name in self.beginnings:
            return self.beginnings[name]
        release = _RELEASE.match(name)
        # A fine-tune's beginning is no model: what follows it is its owner's name.
        return self.beginnings.get(release["stem"]) if release and not name.startswith("ft:") else None


def names_of(entries: Iterable[tuple[str, Any]]) -> ModelNames:
    """The names of entries, given as (id, the list's match clause), first come first served."""
    names = ModelNames()
    for position, (entry_id, clause) in enumerate(entries):
        _collect(names, clause, position)
        names.exact.setdefault(entry_id.lower().rstrip("-"), position)
    return names


def _collect(names: ModelNames, clause: Any, position: int) -> None:
    """Exact names, whole patterns, and beginnings (an `and` of the list is a beginning and what must not follow)."""
    match type(clause).__name__:
        case "ClauseOr":
            for part in clause.or_:
                _collect(names, part, position)
        case "ClauseAnd":
            for part in clause.and_:
                _collect(names, part, position)
        case "ClauseEquals":
            names.exact.setdefault(clause.equals.lower(), position)
        case "ClauseStartsWith":
            names.beginnings.setdefault(clause.starts_with.lower(), position)
        case "ClauseContains":
            names.beginnings.setdefault(clause.contains.lower(), position)
        case "ClauseEndsWith":
            names.beginnings.setdefault(clause.ends_with.lower(), position)
        case "ClauseRegex" if clause.regex.startswith("^") and clause.regex.endswith("$"):
            names.patterns.append((re.compile(clause.regex), position))
