"""What an inspection gives, and who may be asked for it outside this process."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from midwatch_core.guarded import Outcome
from midwatch_core.model.detection import TextVote
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding
from midwatch_core.model.segment import Part

# A text that makes more than this is an attack on the detectors: the first are kept.
MAX_FINDINGS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What was seen in one text. `failures` name the plugins that could not say; `silent` those of them with models.

    `score` is between 0 and 1: how likely the text is an injection.
    """

    findings: tuple[Finding, ...]
    score: float
    failures: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was seen in several texts, or in a call. `failures` name the plugins that could not say, each once.

    `votes` are what models hold of whole texts; they are weighed, and not kept.
    """

    findings: tuple[Finding, ...] = ()
    failures: tuple[str, ...] = ()
    votes: tuple[TextVote, ...] = ()

    def __add__(self, other: "Inspection") -> "Inspection":
        return Inspection(
            findings=(*self.findings, *other.findings)[:MAX_FINDINGS],
            failures=tuple(dict.fromkeys((*self.failures, *other.failures))),
            votes=(*self.votes, *other.votes)[:MAX_FINDINGS],
        )


class Elsewhere(Protocol):
    """Detectors that run outside this process, such as the scan pool: who hangs there harms nobody here."""

    @property
    def plugins(self) -> Collection[str]:
        """Who runs there."""
        ...

    async def inspect_text(self, plugin: str, text: str, part: Part) -> Outcome:
        """What the plugin's hook gave; an error where it failed or was late."""
        ...

    async def inspect_exchange(self, plugin: str, exchange: Exchange) -> Outcome:
        """The same for a whole call."""
        ...
