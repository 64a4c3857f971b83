"""Retention: what is older than a tenant's, or else the installation's, term is forgotten, once an hour."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from midwatch_core.clock import Clock
from midwatch_core.errors import StorageError
from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository

logger = logging.getLogger(__name__)
_EVERY_S = 3600.0

# Days by tenant, where a tenant has a term of its own; None keeps for ever.
type Terms = Mapping[str, float | None]


async def keep_to(days: float | None, terms: Callable[[], Terms], traces: TraceRepository, clock: Clock) -> None:
    """Delete what is older than its term, now and every hour. `days` is the term of tenants that `terms` has not.

    `terms` is asked each time: tenants come and go while this runs.
    """
    while True:
        await forget_old(days, terms(), traces, clock)
        await asyncio.sleep(_EVERY_S)


async def forget_old(days: float | None, terms: Terms, traces: TraceRepository, clock: Clock) -> None:
    """Delete what is older than its term. A store that fails is logged: what is left goes the next time."""
    try:
        tenants = await _tenants(traces)
    except StorageError as error:
        logger.error("retention: %s", error)
        return
    for tenant in tenants:
        try:
            await _forget(tenant, terms.get(tenant, days), traces, clock)
        except StorageError as error:  # one tenant's damaged exchange keeps nobody else's
            logger.error("retention of tenant %s: %s", tenant, error)


async def _tenants(traces: TraceRepository) -> list[str]:
    """All that have exchanges, whether or not anybody knows such a tenant any more."""
    groups = [row.group[0] for row in await traces.costs(Scope(), ExchangeFilter(), by=["tenant"])]
    return sorted(tenant for tenant in groups if tenant is not None)


async def _forget(tenant: str, days: float | None, traces: TraceRepository, clock: Clock) -> None:
    if days is None:
        return
    before = clock.now() - timedelta(days=days)
    gone = await traces.delete(Scope(tenants=frozenset({tenant})), ExchangeFilter(until=before))
    if gone:
        logger.info("retention: %d exchanges of tenant %s older than %g days are forgotten", gone, tenant, days)
