"""Triage: what people made of a finding."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# How many findings one question for judgements may name.
MOST_JUDGED = 1000


class TriageState(StrEnum):
    """How a finding stands. `open` is how each begins, and what it is again when somebody takes a judgement back."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    FALSE_POSITIVE = "false_positive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """The latest judgement on one finding. `by` is who judged, `note` what that person wrote."""

    finding_id: str
    tenant: str
    rule: str
    state: TriageState
    by: str
    at: datetime
    note: str = ""
