"""What a family says about one kind of personal data: its shape, its check and the words that announce it."""

from collections.abc import Callable
from dataclasses import dataclass

from midwatch_core import Severity


def always(candidate: str) -> int:
    """Accept all that the pattern matched."""
    return len(candidate)


def whole(valid: Callable[[str], bool]) -> Callable[[str], int]:
    """Make a yes-or-no check one that accepts the whole candidate or nothing."""
    return lambda candidate: len(candidate) if valid(candidate) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recogniser:
    """One rule. `pattern` is RE2; group 1 is the value if there is one, else the whole match.

    `accept` tells how many characters of a candidate are the value, 0 for none: a pattern may take a word too many.
    `alone` is the confidence without a label near; 0 means that the pattern is tried only behind a label.
    `near` is the confidence with one. `labels` are lower-case words; `within` is how many characters after a label
    the value may begin, `before` how many before it the value may end. `marks` are characters without which
    there can be no match. `inside` allows neighbours that a number may not have (addresses of mail have dots).
    """

    rule: str
    kind: str
    title: str
    pattern: str
    near: float
    alone: float = 0.0
    severity: Severity = Severity.MEDIUM
    labels: tuple[str, ...] = ()
    accept: Callable[[str], int] = always
    within: int = 40
    before: int = 0
    marks: str = ""
    inside: bool = False
