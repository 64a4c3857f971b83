"""A detection: what a detector saw in one text, before the engine makes a finding of it."""

from dataclasses import dataclass

from midwatch_core.model.finding import Finding, Severity


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
class Weighed:
    """What all findings of a call come to: a score between 0 and 1, and findings about them."""

    score: float
    findings: tuple[Finding, ...] = ()
