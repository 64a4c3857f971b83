"""Scanning on request: texts that belong to no call, with what policy would say of them; `Host.scanner`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from midwatch_core.access.caller import Caller
from midwatch_core.model.finding import Action, Finding
from midwatch_core.model.segment import Part

# Characters of one text, and texts in one go, at most.
MAX_SCAN_CHARACTERS = 1_000_000
MAX_SCAN_TEXTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a text shows, its score between 0 and 1, the strongest action that policy would take, and who failed.

    `actions` are what policy would do about each finding, in their order.
    """

    findings: tuple[Finding, ...]
    score: float
    action: Action
    failures: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()


class Scanner(Protocol):
    """The engine for anybody. Nothing that is scanned is kept."""

    async def scan(self, caller: Caller, texts: Sequence[tuple[str, Part]]) -> Sequence[Scanned]:
        """Scan texts, in order, under the policy in use. Raises AccessDeniedError, ValueError for what is too large."""
        ...
