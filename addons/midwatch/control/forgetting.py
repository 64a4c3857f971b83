"""Forgetting people: exchanges that match go for good, on record; over the control socket, or straight on the store."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from midwatch.control.answering import filter_of
from midwatch_core.access.caller import LOCAL
from midwatch_core.clock import Clock
from midwatch_core.errors import StorageError
from midwatch_core.forgotten import Forgotten
from midwatch_core.host import Host
from midwatch_core.hosting import Plugins
from midwatch_core.model.audit import AuditRecord
from midwatch_core.ports import ExchangeFilter, MetadataRepository
from midwatch_core.queries import Queries

logger = logging.getLogger(__name__)

OPERATIONS = frozenset({"forget", "forget_count"})
"""What `Forgetting.answer` does: the values of a message's `op`. The second only counts."""

BY = ("user", "key_id", "client", "agent", "app", "trace_id", "session", "text", "tenant")
"""Conditions that say whose exchanges are meant. One of them is needed: age alone is retention's matter."""

# What the inventory can be asked for by as well: any other condition is one on exchanges.
_OF_SIGHTINGS = frozenset({"tenant", "client", "until"})
# And what there is of a tenant as a whole: judgements on findings, and incidents.
_OF_TENANT = frozenset({"tenant", "until"})
_CATCH_UP_S = 10.0
# A plugin is given so long to forget what it keeps itself.
_PLUGIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """Counts and forgets. `caught_up` waits until all that was journalled is stored, at most so many seconds.

    `let_go` has the room of incidents drop a tenant's open ones, or it would keep them again; without control, which
    has that room, there is none. `tell` has plugins forget too, and gives the names of those that failed to.
    """

    queries: Queries
    metadata: MetadataRepository
    clock: Clock
    caught_up: Callable[[float], Awaitable[bool]]
    let_go: Callable[[str], None] | None = None
    tell: Callable[[Forgotten], Awaitable[Sequence[str]]] | None = None

    async def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """`count`, of those that match or that went, and whether the store had `caught_up`; or an `error`.

        `plugins` names those that may have something left of it, where there are any.
        """
        failed: Sequence[str] = ()
        try:
            wanted = filter_of(message.get("filter") or {})
            if all(getattr(wanted, name) is None for name in BY):
                raise ValueError(f"whose exchanges are meant is not said: give one of {', '.join(BY)}")
            caught_up = await self.caught_up(_CATCH_UP_S)
            count = await self._count(wanted)
            if message["op"] == "forget":
                count = await self._forget(wanted, count)
                failed = await self._tell_plugins(wanted)
        except (StorageError, ValueError, TypeError, AttributeError, OverflowError) as error:
            return {"error": str(error)}
        return {"count": count, "caught_up": caught_up, **left_by(failed)}

    async def _count(self, wanted: ExchangeFilter) -> int:
        return sum(row.calls for row in await self.queries.costs(wanted, by=[]))

    async def _forget(self, wanted: ExchangeFilter, matching: int) -> int:
        """On record first, for none may go unrecorded; and once more where the store did not do it."""
        await self._record("forget", wanted, count=str(matching))
        try:
            # First: where both are in one file, cleaning up after the exchanges overwrites these as well.
            await self._forget_sightings(wanted)
            await self._forget_triage(wanted)
            await self._forget_incidents(wanted)
            return await self.queries.delete(wanted)
        except StorageError as error:
            await self._record("forget.failed", wanted, error=type(error).__name__)
            raise

    async def _forget_sightings(self, wanted: ExchangeFilter) -> None:
        """A tenant that is forgotten, or a client, leaves the inventory too; `until` leaves out who was seen since."""
        if _named(wanted) <= _OF_SIGHTINGS:
            await self.metadata.forget_sightings(before=wanted.until, tenant=wanted.tenant, client=wanted.client)

    async def _forget_triage(self, wanted: ExchangeFilter) -> None:
        """What people made of a tenant's findings goes with them; of judgements since `until` the finding may stay."""
        if _named(wanted) <= _OF_TENANT:
            await self.metadata.forget_triage(before=wanted.until, tenant=wanted.tenant)

    async def _forget_incidents(self, wanted: ExchangeFilter) -> None:
        """A tenant's incidents go as well, open ones too; with `until`, only those that ended before."""
        if wanted.tenant is None or not _named(wanted) <= _OF_TENANT:
            return
        if self.let_go is not None and wanted.until is None:
            self.let_go(wanted.tenant)
        await self.metadata.forget_incidents(before=wanted.until, tenant=wanted.tenant)

    async def _tell_plugins(self, wanted: ExchangeFilter) -> Sequence[str]:
        """Last, when nothing of it can come from the stores any more; what is left over is on record too."""
        failed = () if self.tell is None else await self.tell(Forgotten.of(wanted))
        if failed:
            await self._record("forget.failed", wanted, plugins=", ".join(failed))
        return failed

    async def _record(self, action: str, wanted: ExchangeFilter, **details: str) -> None:
        record = AuditRecord(
            at=self.clock.now(),
            actor=LOCAL.name,
            action=action,
            subject=told(wanted),
            details=details,
            tenant=wanted.tenant,
        )
        await self.metadata.append_audit(record)


async def tell_plugins(plugins: Plugins, host: Host, who: Forgotten) -> list[str]:
    """Have plugins forget as well; the names of those that failed to."""
    failed = []
    for outcome in await plugins.wait_all("forgotten", deadline_s=_PLUGIN_S, who=who, host=host):
        if not outcome.ok:
            name = outcome.name.removesuffix(".forgotten")
            logger.error("plugin %s has not forgotten: %s", name, outcome.error)
            failed.append(name)
    return failed


def left_by(plugins: Sequence[str]) -> dict[str, list[str]]:
    """What an answer says of plugins that failed to forget."""
    return {"plugins": list(plugins)} if plugins else {}


def _named(wanted: ExchangeFilter) -> set[str]:
    """The conditions that are given."""
    return {item.name for item in fields(wanted) if getattr(wanted, item.name) is not None}


def told(wanted: ExchangeFilter) -> str:
    """The conditions as they stand in the audit log. A text that was searched for is told by its SHA-256 alone."""
    given = {item.name: getattr(wanted, item.name) for item in fields(wanted)}
    if wanted.text is not None:
        given["text"] = f"sha256:{hashlib.sha256(wanted.text.encode()).hexdigest()}"
    return ", ".join(f"{name}={_shown(value)}" for name, value in given.items() if value is not None)


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
