"""Where commands administer: through control where one lives, so that workers know at once, else on the store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midwatch.cli.asking import AskError
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, Line, LineClient

if TYPE_CHECKING:
    from midwatch.settings import Settings
    from midwatch_core.ports import MetadataRepository, TraceRepository

# What is kept in the home too: it holds though a store in memory forgets it.
_AT_HOME = frozenset({"policy_publish", "policy_withdraw"})
# What goes with a store in memory, and is done all the same.
_PASSING = frozenset({"audit_note"})
# What changes nothing: where nothing was ever kept, nothing need be made to look at it.
_READING = frozenset({"tenants", "keys", "audit", "audit_verify", "policy_versions", "hosts"})


class Administrator:
    """Has messages done in one home: those of `control.administering` and of `.policy_desk`, and `hosts`."""

    def __init__(self, home: Home, config_file: Path | None) -> None:
        self._home = home
        self._config_file = config_file

    def ask(self, message: dict[str, Any], *, timeout_s: float = 30.0) -> dict[str, Any]:
        """Have one message done; what it gives. Raises AskError, ConfigError and StorageError."""
        return asyncio.run(self.asked(message, timeout_s=timeout_s))

    async def asked(self, message: dict[str, Any], *, timeout_s: float = 30.0) -> dict[str, Any]:
        """The same, in a loop that runs already."""
        answer = await self._ask(message, timeout_s)
        if problem := answer.get("error"):
            raise AskError(str(problem))
        return answer

    async def _ask(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        try:
            return await through_control(self._home, message, timeout_s)
        except ControlAbsentError:
            return await self._alone(message)

    async def _alone(self, message: dict[str, Any]) -> dict[str, Any]:
        """Do it here. The version that is kept with it tells other nodes, and control where one starts meanwhile."""
        from midwatch.control.administering import administer
        from midwatch.control.anchoring import AnchorFile
        from midwatch.control.answering import answer
        from midwatch.control.policy_desk.alone import desk_alone
        from midwatch.control.policy_desk.messages import OPERATIONS as CHANGES
        from midwatch.control.policy_desk.messages import changed_policy
        from midwatch.control.policy_versions import policy_versions
        from midwatch.control.titles import Titles
        from midwatch.settings import policy_of
        from midwatch_core.access.administering import Administration
        from midwatch_core.access.claims import configured_tenants
        from midwatch_core.clock import SystemClock
        from midwatch_core.queries import Queries

        async with self._metadata(message) as (settings, traces, metadata):
            if message["op"] == "hosts":
                queries = Queries(traces=traces, metadata=metadata, titles=Titles(settings).of)
                return await answer(queries, message)
            if message["op"] == "policy_versions":
                return await policy_versions(metadata, message, in_use=policy_of(settings).id)
            if message["op"] in CHANGES:
                return await changed_policy(desk_alone(settings, metadata, traces), message)
            configured = configured_tenants(settings.config.tenants, settings.config.tenant)
            administration = Administration(
                metadata,
                SystemClock(),
                configured=lambda: configured,
                anchor=AnchorFile(self._home.audit_anchor).read,
            )
            return await administer(administration, message)

    @asynccontextmanager
    async def _metadata(
        self, message: dict[str, Any]
    ) -> "AsyncIterator[tuple[Settings, TraceRepository, MetadataRepository]]":
        """The settings, and the stores, of which the one for metadata alone is started."""
        from midwatch.control.anchoring import anchored
        from midwatch.settings import resolve
        from midwatch_core.storage import open_storage, storage_profile

        settings = resolve(self._home, config_file=self._config_file, flags={})
        profile = storage_profile(settings.config, self._home.root)
        if message["op"] not in _READING:
            if profile.metadata.startswith("memory://") and message["op"] not in _AT_HOME | _PASSING:
                raise AskError(f"nothing runs in {self._home.root}, and what its memory kept would be gone at once")
            self._home.prepare()
        elif settings.config.storage.metadata is None and not (self._home.root / "midwatch.db").exists():
            profile = replace(profile, metadata="memory://")
        storage = open_storage(settings.plugins, profile)
        metadata = anchored(storage.metadata, self._home, profile.metadata)
        await metadata.start(migrate=storage.migrates)
        try:
            yield settings, storage.traces, metadata
        finally:
            await metadata.close()


async def through_control(home: Home, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Control's answer. Raises ControlAbsentError where none lives, and AskError where it gives none."""
    async with LineClient(home.control_socket).open() as line:
        return await _answer(line, message, timeout_s)


async def _answer(line: Line, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Control's answer. What it was asked is not done a second time elsewhere: it may have been done."""
    try:
        async with asyncio.timeout(timeout_s):
            await line.send(message)
            answer = await line.receive()
    except (OSError, ValueError, TimeoutError) as error:
        raise AskError(f"control did not answer, and may have done it: look before you ask again ({error})") from error
    if not isinstance(answer, dict):
        raise AskError("control hung up, and may have done it: look before you ask again")
    return answer
