"""What a check says, and what all checks of a control come to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """How a control stands. Never "compliant": that is for people to say.

    `evidenced`: what can be seen speaks for it. `attention`: something that a person should look at. `not_covered`:
    nothing here can tell.
    """

    EVIDENCED = "evidenced"
    ATTENTION = "attention"
    NOT_COVERED = "not_covered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A check's answer: its status, a sentence, the numbers in it, and ids of findings that it speaks of."""

    status: Status
    sentence: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[str, ...] = ()


_NONE: Mapping[str, float] = MappingProxyType({})


def evidenced(sentence: str, numbers: Mapping[str, float] = _NONE, findings: tuple[str, ...] = ()) -> Judged:
    """What speaks for a control."""
    return Judged(status=Status.EVIDENCED, sentence=sentence, numbers=numbers, findings=findings)


def attention(sentence: str, numbers: Mapping[str, float] = _NONE, findings: tuple[str, ...] = ()) -> Judged:
    """What a person should look at."""
    return Judged(status=Status.ATTENTION, sentence=sentence, numbers=numbers, findings=findings)


def unknown(sentence: str) -> Judged:
    """What can't be told here."""
    return Judged(status=Status.NOT_COVERED, sentence=sentence)


def status_of(judged: Iterable[Judged]) -> Status:
    """All checks of a control as one: what needs attention counts most; what nobody can tell proves nothing."""
    found = {item.status for item in judged}
    return next((status for status in (Status.ATTENTION, Status.EVIDENCED) if status in found), Status.NOT_COVERED)
