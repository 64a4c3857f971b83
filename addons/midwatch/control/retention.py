"""Retention: what is older than a tenant's, or else the installation's, term is forgotten, once an hour.

Exchanges, and what people made of their findings: nobody judges a finding before its call, so that no judgement goes
earlier than what it is about. Incidents have a term of their own, which begins when they end.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from midwatch_core.clock import Clock
from midwatch_core.errors import StorageError
from midwatch_core.ports import ExchangeFilter, MetadataRepository, Scope, TraceRepository

logger = logging.getLogger(__name__)
_EVERY_S = 3600.0

# Days by tenant, where a tenant has a term of its own; None keeps for ever.
type Terms = Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Forgets what is older than its term. `days` is the term of tenants that `terms` has not; None keeps for ever."""

    days: float | None
    incident_days: float | None
    terms: Callable[[], Terms]
    traces: TraceRepository
    metadata: MetadataRepository
    clock: Clock

    async def run(self) -> None:
        """Forget, now and every hour, for ever. Terms are asked for each time: tenants come and go while this runs."""
        while True:
            await self.forget_old()
            await asyncio.sleep(_EVERY_S)

    async def forget_old(self) -> None:
        """Forget once. A store that fails is logged: what is left goes the next time."""
        terms = self.terms()
        try:
            tenants = await self._tenants()
        except StorageError as error:
            logger.error("retention: %s", error)
            return
        for tenant in sorted(tenants | terms.keys()):
            try:
                await self._forget(tenant, terms.get(tenant, self.days))
            except StorageError as error:  # one tenant's damaged exchange keeps nobody else's
                logger.error("retention of tenant %s: %s", tenant, error)
        await self._forget_judgements([self.days, *terms.values()])
        await self._forget_incidents()

    async def _tenants(self) -> set[str]:
        """All that have exchanges, whether or not anybody knows such a tenant any more."""
        groups = [row.group[0] for row in await self.traces.costs(Scope(), ExchangeFilter(), by=["tenant"])]
        return {tenant for tenant in groups if tenant is not None}

    async def _forget(self, tenant: str, days: float | None) -> None:
        if days is None:
            return
        before = self.clock.now() - timedelta(days=days)
        gone = await self.traces.delete(Scope(tenants=frozenset({tenant})), ExchangeFilter(until=before))
        await self.metadata.forget_triage(before=before, tenant=tenant)
        if gone:
            logger.info("retention: %d exchanges of tenant %s older than %g days are forgotten", gone, tenant, days)

    async def _forget_judgements(self, terms: Collection[float | None]) -> None:
        """Those of tenants that have no term of their own and no exchanges any more: the longest of all is theirs."""
        days = [term for term in terms if term is not None]
        if len(days) < len(terms):
            return
        try:
            await self.metadata.forget_triage(before=self.clock.now() - timedelta(days=max(days)))
        except StorageError as error:
            logger.error("retention of judgements on findings: %s", error)

    async def _forget_incidents(self) -> None:
        if self.incident_days is None:
            return
        try:
            gone = await self.metadata.forget_incidents(before=self.clock.now() - timedelta(days=self.incident_days))
        except StorageError as error:
            logger.error("retention of incidents: %s", error)
            return
        if gone:
            logger.info("retention: %d incidents that ended %g days ago are forgotten", gone, self.incident_days)
