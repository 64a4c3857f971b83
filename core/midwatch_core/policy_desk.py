"""The policy desk: the policy in use, read, checked, tried on what is stored, published and rolled back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from midwatch_core.access.caller import Caller
from midwatch_core.errors import MidwatchError
from midwatch_core.model.document import PolicyVersion
from midwatch_core.simulating import Change


class PolicyDeskError(MidwatchError):
    """What was asked can't be done: a policy that is not sound, a version that is not there, a policy of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStanding:
    """The policy in use. `source` is `shipped`, `file` or `published`; `read_only` says why it can't be changed here.

    `version` is the one among its kept versions, None where it is not kept yet.
    """

    id: str
    text: str
    source: str
    version: int | None
    read_only: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCheck:
    """What is wrong with a text (then it can't be published), and what is allowed but probably not meant."""

    problems: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether it can be used."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A policy run over stored findings. `changes` counts by `before → after`; `rows` are the first that change.

    `looked_at` exchanges with findings; `cut` where there were more than were looked at.
    """

    looked_at: int
    changed: int
    changes: Mapping[str, int]
    rows: tuple[Change, ...]
    cut: bool


class PolicyDesk(Protocol):
    """Policies are the whole installation's: only callers of no one tenant may read or change them.

    Every method but `simulate` raises AccessDeniedError for others; changing needs Permission.OPERATE. All raise
    PolicyDeskError and StorageError.
    """

    async def standing(self, caller: Caller) -> PolicyStanding:
        """The policy in use."""
        ...

    async def shipped(self, caller: Caller) -> Mapping[str, str]:
        """The texts of shipped policies, by name: what one may begin from."""
        ...

    async def versions(self, caller: Caller, *, limit: int = 100) -> Sequence[PolicyVersion]:
        """The versions of the policy in use, newest first."""
        ...

    async def version(self, caller: Caller, number: int) -> PolicyVersion:
        """One version of the policy in use."""
        ...

    async def check(self, caller: Caller, text: str) -> PolicyCheck:
        """Read a text as a policy."""
        ...

    async def simulate(
        self, caller: Caller, text: str, *, since: datetime, until: datetime | None = None, limit: int = 1000
    ) -> Simulation:
        """What a policy would have done otherwise to the newest `limit` exchanges with findings, in caller's scope."""
        ...

    async def publish(self, caller: Caller, text: str, *, note: str = "") -> PolicyVersion:
        """Put a policy into use, in every process, on record, and kept over restarts."""
        ...

    async def roll_back(self, caller: Caller, version: int) -> PolicyVersion:
        """Put an earlier version into use again: it becomes the newest one."""
        ...

    async def withdraw(self, caller: Caller) -> None:
        """Use what the configuration names again."""
        ...
