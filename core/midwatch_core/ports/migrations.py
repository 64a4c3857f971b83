"""The schema of a repository, and how it is brought up to date."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """How a repository's schema stands. `current` None: nothing is there. `problem` says why it can't be migrated.

    `pending` are the revisions between `current` and `head`, oldest first.
    """

    current: str | None
    head: str
    pending: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def is_current(self) -> bool:
        """Whether it can be used as it is."""
        return self.current == self.head and self.problem is None


class Migrations(Protocol):
    """The schema of a repository, before that is started. Safe where several processes do the same at once."""

    async def state(self) -> SchemaState:
        """How it stands; a newer schema than this version knows, or half a migration, is a `problem`."""
        ...

    async def up(self) -> tuple[str, ...]:
        """Apply what is pending; the revisions applied. Raises StorageError."""
        ...

    async def down(self, revision: str | None) -> tuple[str, ...]:
        """Go back to `revision`, or with None to nothing; the revisions undone. Raises StorageError."""
        ...
