"""A framework's mapping: its controls, what a proxy sees of each and what not, and the checks that look at evidence.

A check is one of a closed list, with a few plain values: a mapping is data, and runs nothing.
"""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_ID = r"^[a-z0-9][a-z0-9-]{0,63}$"


class CheckName(StrEnum):
    """What can be looked at: see `judging`, where each has a function."""

    CALLS_RECORDED = "calls_recorded"
    FINDINGS = "findings"
    TRIAGE = "triage"
    POLICY_ACTS = "policy_acts"
    POLICY_VERSIONED = "policy_versioned"
    SHADOW_AI = "shadow_ai"
    UNREAD = "unread"
    RETENTION = "retention"
    ENCRYPTED = "encrypted"
    AUDIT_WHOLE = "audit_whole"
    AUDIT_ACTIONS = "audit_actions"
    KEYS = "keys"
    KEYS_EXPIRE = "keys_expire"
    LIMITS = "limits"
    NOTHING_LOST = "nothing_lost"
    DETECTORS_WORK = "detectors_work"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(_Part):
    """One look at the evidence. Which values go with which check, `_fits` says.

    `findings` wants one of `owasp` (such as LLM01:2025) and `categories`; `retention` wants `at_least_days` or
    `at_most_days`; `audit_actions` wants `actions` (such as forget); the others want none.
    """

    check: CheckName
    owasp: str | None = Field(None, pattern=r"^LLM\d\d:\d{4}$")
    categories: tuple[str, ...] = Field((), max_length=50)
    at_least_days: float | None = Field(None, gt=0)
    at_most_days: float | None = Field(None, gt=0)
    actions: tuple[str, ...] = Field((), max_length=50)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = {name for name in type(self).model_fields if name != "check" and getattr(self, name)}
        wanted = {
            CheckName.FINDINGS: ({"owasp"}, {"categories"}),
            CheckName.RETENTION: ({"at_least_days"}, {"at_most_days"}),
            CheckName.AUDIT_ACTIONS: ({"actions"},),
        }.get(self.check, (set(),))
        if given not in wanted:
            words = " or ".join(", ".join(names) or "nothing else" for names in wanted)
            raise ValueError(f"the check {self.check.value} goes with {words}")
        return self


class Control(_Part):
    """One thing that a framework asks for.

    `sees` is what a proxy can see of it, `misses` what not: both stand in every report. A control without `checks` is
    not covered, and `misses` says why.
    """

    id: str = Field(min_length=1, max_length=64)
    title: str = Field(min_length=3, max_length=200)
    source: str = Field(pattern=r"^https://\S+$", max_length=300)
    sees: str = Field("", max_length=1000)
    misses: str = Field(min_length=3, max_length=1000)
    checks: tuple[Check, ...] = Field((), max_length=20)

    @model_validator(mode="after")
    def _says_what_it_sees(self) -> Self:
        if bool(self.sees) != bool(self.checks):
            raise ValueError("a control with checks says what it `sees`; one without checks sees nothing")
        return self


class Framework(_Part):
    """A mapping. `scope` says in a few sentences what a report of it is, and is not."""

    id: str = Field(pattern=_ID)
    title: str = Field(min_length=3, max_length=100)
    help: str = Field(min_length=3, max_length=300)
    edition: str = Field(min_length=1, max_length=100)
    source: str = Field(pattern=r"^https://\S+$", max_length=300)
    scope: str = Field(min_length=3, max_length=2000)
    controls: tuple[Control, ...] = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _ids_apart(self) -> Self:
        ids = [control.id for control in self.controls]
        if twice := [name for name in ids if ids.count(name) > 1]:
            raise ValueError(f"two controls have the id {twice[0]!r}")
        return self
