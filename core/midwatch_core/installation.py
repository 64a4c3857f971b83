"""The installation as faces show it: plugins, rules, limits, budgets, settings, versions; `Host.installation`."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from midwatch_core.access.caller import Caller
from midwatch_core.model.content import Json


class Installation(Protocol):
    """Rows and documents of JSON values, with the keys of the command line's `--json` where there is a command.

    All but `limits` and `budgets` are the installation's as a whole: AccessDeniedError for callers of one tenant.
    """

    def plugins(self, caller: Caller) -> Sequence[Mapping[str, Json]]:
        """Plugins: state, hooks, timing, errors (`plugins list --json`)."""
        ...

    def rules(self, caller: Caller) -> Sequence[Mapping[str, Json]]:
        """Rules of all packs in use (`rules list --json`)."""
        ...

    def settings(self, caller: Caller) -> Mapping[str, Json]:
        """The live configuration, every secret masked, with where each section came from."""
        ...

    def system(self, caller: Caller) -> Mapping[str, Json]:
        """Processes, breakers, journal, troubles, versions of what is installed (`status --json`)."""
        ...

    def limits(self, caller: Caller) -> Sequence[Mapping[str, Json]]:
        """The limits that hold for the caller's tenants, with how often each refused."""
        ...

    async def budgets(self, caller: Caller) -> Sequence[Mapping[str, Json]]:
        """The budgets that hold for the caller's tenants: limit, period, spent so far by the record. StorageError."""
        ...
