"""The log of enforcement: each call that policy did something about, as an audit record."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Sequence

from midwatch_core.errors import StorageError
from midwatch_core.model.audit import AuditRecord
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Verdict
from midwatch_core.ports import MetadataRepository

logger = logging.getLogger(__name__)

# Records that wait while the store is away; older ones stand in the exchanges' own verdicts.
_WAITING = 10_000
_RETRY_S = 1.0
_RULES = 10


class EnforcementLog:
    """Takes stored exchanges and appends what was done to them, in order, whenever the store takes it."""

    def __init__(self, metadata: MetadataRepository) -> None:
        self._metadata = metadata
        self._waiting: deque[AuditRecord] = deque(maxlen=_WAITING)
        self._news = asyncio.Event()

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Note what was done to these."""
        for exchange in exchanges:
            self._waiting.extend(records_of(exchange))
        if self._waiting:
            self._news.set()

    def note(self, record: AuditRecord) -> None:
        """Note what Midwatch itself has to say, in its turn."""
        self._waiting.append(record)
        self._news.set()

    async def run(self) -> None:
        """Append for ever."""
        while True:
            await self._news.wait()
            while self._waiting:
                try:
                    await self._metadata.append_audit(self._waiting[0])
                except StorageError as error:
                    logger.error("enforcement waits to be put on record: %s", error)
                    await asyncio.sleep(_RETRY_S)
                else:
                    self._waiting.popleft()
            self._news.clear()


def records_of(exchange: Exchange) -> Iterator[AuditRecord]:
    """One record for each verdict that changed the call."""
    for verdict in exchange.verdicts:
        if verdict.action > Action.FLAG and not verdict.dry_run:
            yield AuditRecord(
                at=exchange.started_at,
                actor=f"policy:{verdict.policy or '?'}",
                action=verdict.action.name.lower(),
                subject=exchange.id,
                details=_details(exchange, verdict),
            )


def _details(exchange: Exchange, verdict: Verdict) -> dict[str, str]:
    rules = dict.fromkeys(item.rule for item in exchange.findings if item.id in verdict.findings)
    told = {
        "tenant": exchange.identity.tenant,
        "provider": exchange.endpoint.provider,
        "model": exchange.model or "",
        "line": verdict.policy_line or "",
        "rules": ", ".join(list(rules)[:_RULES]),
        "reason": verdict.reason or "",
    }
    return {key: value for key, value in told.items() if value}
