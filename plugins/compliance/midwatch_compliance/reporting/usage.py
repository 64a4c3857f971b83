"""The usage report: calls, tokens and money by team, model, agent and day, for who runs the platform."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from midwatch_compliance.evidence.collecting import queries_of
from midwatch_compliance.evidence.model import Group, Traffic
from midwatch_compliance.evidence.traffic import groups_of, traffic_of
from midwatch_core import ExchangeFilter, Host, ReportOrder

# Days of a year and one more, newest kept.
_MAX_DAYS = 367


class UsageReport(BaseModel):
    """The document. Days are UTC, oldest first; other groups the dearest first, cut at a bound."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: Literal["midwatch/usage"] = "midwatch/usage"
    version: Literal[1] = 1
    midwatch: str
    collected_at: datetime
    tenant: str | None
    since: datetime
    until: datetime
    traffic: Traffic
    by_tenant: tuple[Group, ...]
    by_user: tuple[Group, ...]
    by_day: tuple[Group, ...]


async def usage_report(host: Host, order: ReportOrder) -> UsageReport:
    """The report of an order. Raises ReportError where this process keeps nothing, and StorageError."""
    queries = queries_of(host, order)
    wanted = ExchangeFilter(since=order.since, until=order.until)
    days = sorted(await groups_of(queries, wanted, "day", most=100_000), key=lambda group: group.name or "")
    return UsageReport(
        midwatch=host.version,
        collected_at=host.clock.now(),
        tenant=order.tenant,
        since=order.since,
        until=order.until,
        traffic=await traffic_of(queries, wanted),
        by_tenant=await groups_of(queries, wanted, "tenant"),
        by_user=await groups_of(queries, wanted, "user"),
        by_day=tuple(days[-_MAX_DAYS:]),
    )
