"""The lines of a policy as a table shows them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

from midwatch_core import PolicyFile, PolicyLine, Severity, When

# What a line does, from nothing to all: the look of its pill.
_LOOKS = {"allow": "quiet", "flag": "found", "redact": "odd", "cut": "bad", "block": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One key of a `when`, and what it asks for."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exempt:
    """What a line lets through, until when, and whether that day has passed."""

    reason: str
    expires: str
    ended: bool
    when: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line. Without conditions it holds for all findings that come to it.

    `waits_ms` is how long a call waits for models because of it, None where it does not.
    """

    id: str
    when: tuple[Condition, ...]
    then: str
    look: str
    dry_run: bool
    fails_closed: bool
    waits_ms: int | None
    exceptions: tuple[Exempt, ...]


def lines_of(policy: PolicyFile, today: date) -> list[Line]:
    """The lines in their order."""
    return [_line(line, today) for line in policy.lines]


def _line(line: PolicyLine, today: date) -> Line:
    return Line(
        id=line.id,
        when=tuple(_conditions(line.when)),
        then=line.then,
        look=_LOOKS[line.then],
        dry_run=line.dry_run,
        fails_closed=line.on_failure == "block",
        waits_ms=line.deadline_ms if line.models == "inline" else None,
        exceptions=tuple(
            Exempt(
                reason=item.reason,
                expires=item.expires.isoformat(),
                ended=item.expires < today,
                when=tuple(_conditions(item.when)),
            )
            for item in line.exceptions
        ),
    )


def _conditions(when: When) -> Iterator[Condition]:
    for key in When.model_fields:
        value = getattr(when, key)
        if value in (None, (), 0.0) or value is Severity.INFO:
            continue
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        yield Condition(key=key.replace("_", " "), values=tuple(map(_word, values)))


def _word(value: object) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)
