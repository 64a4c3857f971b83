"""Two texts of a policy, compared line by line as `diff -u` does."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

# Comparing takes the square of this, at worst.
_MOST_LINES = 5000
_CONTEXT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line: `same`, `added` or `removed`; or `gap`, where lines that are the same are left out."""

    kind: str
    text: str = ""


def differences(before: str, after: str) -> list[Row] | None:
    """What `after` has otherwise, with three lines around each place; None where they are too long to be compared."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > _MOST_LINES:
        return None
    return list(_rows(old, new))


def _rows(old: list[str], new: list[str]) -> Iterator[Row]:
    for number, group in enumerate(SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT)):
        if number:
            yield Row(kind="gap")
        for tag, start, end, new_start, new_end in group:
            if tag == "equal":
                yield from (Row(kind="same", text=line) for line in old[start:end])
                continue
            yield from (Row(kind="removed", text=line) for line in old[start:end])
            yield from (Row(kind="added", text=line) for line in new[new_start:new_end])
