"""A detection: what a detector saw in one text, before the engine makes a finding of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from midwatch_core.model.finding import Finding, Severity
from midwatch_core.model.segment import Direction, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """Something in a text. `start` and `end` are code points of the original text, `end` exclusive.

    `rule` is the full id (`pack/rule`), stable for ever; `category` groups rules for policy (`prompt_injection`,
    `secret`, `pii`, …); `kind` is what a masked value is called in its placeholder (`EMAIL`, `CARD`, `OPENAI_KEY`),
    empty where there is nothing to mask. `confidence` is between 0 and 1.
    """

    rule: str
    category: str
    severity: Severity
    confidence: float
    message: str
    start: int
    end: int
    owasp: tuple[str, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """How likely a voter holds a whole text to be an injection, also where it reports nothing: an ensemble weighs it.

    `voter` names it for ever (`defender/main`); `score` is between 0 and 1; `detail` says more, for people.
    """

    voter: str
    score: float
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """What a model says of one text: what it reports, and its votes."""

    detections: tuple[Detection, ...] = ()
    votes: tuple[Vote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextVote:
    """A vote and the text of a call that it is on."""

    direction: Direction
    part: Part
    path: str
    vote: Vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What all findings of a call come to: a score between 0 and 1, and findings about them.

    `confidences`: what findings are held to be in the light of all others, by their ids; those not named stay as they
    are.
    """

    score: float
    findings: tuple[Finding, ...] = ()
    confidences: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
