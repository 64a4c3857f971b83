"""The calls that are kept, as the sums that the watcher takes: an hour at a time, the oldest first."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from midwatch_anomaly.bucket import Bucket
from midwatch_anomaly.measuring import CATEGORY, Measurement
from midwatch_anomaly.settings import Settings
from midwatch_core import Action, CostBasis, ExchangeFilter, ExchangeRow, Queries

_PAGE = 1000
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """The buckets of an hour by their numbers, seconds since 1970 by `bucket_s`; empty ones are left out."""

    until: datetime
    buckets: dict[int, Bucket]
    calls: int


async def hours(
    queries: Queries, settings: Settings, *, since: datetime, until: datetime, tenant: str | None
) -> AsyncIterator[Hour]:
    """All calls that began in a time, hour by hour. Raises StorageError."""
    begin = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while begin < until:
        wanted = ExchangeFilter(since=max(begin, since), until=min(begin + _HOUR, until), tenant=tenant)
        buckets: dict[int, Bucket] = {}
        calls, cursor, more = 0, None, True
        while more:
            page = await queries.exchanges(wanted, limit=_PAGE, cursor=cursor)
            for row in page.rows:
                number = int(row.started_at.timestamp() // settings.bucket_s)
                buckets.setdefault(number, Bucket(settings.most_names)).take([measured_row(row)])
            calls, cursor = calls + len(page.rows), page.cursor
            more = cursor is not None
        begin += _HOUR
        yield Hour(until=min(begin, until), buckets=buckets, calls=calls)


def measured_row(row: ExchangeRow) -> Measurement:
    """The numbers of one call as it is listed: those that `measured` has of it in full."""
    failed = _failed(row)
    took_ms, first_ms = (None, None) if failed else (row.duration_ms, row.ttft_ms)
    metered = row.cost_basis != CostBasis.API_EQUIVALENT
    return Measurement(
        tenant=row.tenant,
        model=row.model,
        agent=row.agent,
        key=row.key_id,
        errors=int(failed),
        findings=int(any(not rule.startswith(f"{CATEGORY}/") for rule in row.findings)),
        cost_usd=float(row.cost_usd) if row.cost_usd is not None and metered else 0.0,
        input_tokens=row.input_tokens or 0,
        output_tokens=row.output_tokens or 0,
        latency_ms=took_ms or 0.0,
        timed=int(took_ms is not None),
        ttft_ms=first_ms or 0.0,
        first_timed=int(first_ms is not None),
    )


def _failed(row: ExchangeRow) -> bool:
    if row.action == Action.BLOCK.name.lower() or (row.error or "").startswith("client disconnected"):
        return False
    return row.status is None or row.status >= 400 or bool(row.error)
