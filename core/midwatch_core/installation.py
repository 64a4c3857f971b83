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
        """Rules of all packs in use (`rules list --json`). Packs are read when asked first: ask in a thread."""
        ...

    def rule(self, caller: Caller, rule_id: str) -> Mapping[str, Json] | None:
        """One rule: its row, and under `spec` all that its pack says of it, examples too. In a thread, as `rules`."""
        ...

    def settings(self, caller: Caller) -> Mapping[str, Json]:
        """The live configuration under `settings`, every secret masked; `said_by` has who said what is not a default.

        Its keys are places such as `storage.profile`, its values the file, a variable or a flag.
        """
        ...

    async def system(self, caller: Caller) -> Mapping[str, Json]:
        """Processes, breakers, journal, troubles, stores and their schemas, versions, and `ca_certificate` in PEM."""
        ...

    def limits(self, caller: Caller) -> Sequence[Mapping[str, Json]]:
        """The limits that hold for the caller's tenants, with how often each refused."""
        ...

    async def budgets(self, caller: Caller) -> Sequence[Mapping[str, Json]]:
        """The budgets that hold for the caller's tenants: limit, period, spent so far by the record. StorageError."""
        ...
