"""Collecting: the evidence of one order, asked of the host within the order's tenant and period."""

from midwatch_compliance.evidence.audit_log import audit_log_of
from midwatch_compliance.evidence.findings import findings_of
from midwatch_compliance.evidence.installation import health_of, keeping_of, keys_of, limits_of, policy_of
from midwatch_compliance.evidence.inventory import hosts_of
from midwatch_compliance.evidence.model import Evidence
from midwatch_compliance.evidence.traffic import traffic_of
from midwatch_core import ExchangeFilter, FindingFilter, Host, Queries, ReportError, ReportOrder, Scope


async def collect(host: Host, order: ReportOrder) -> Evidence:
    """Everything a framework may ask for. Raises ReportError where this process keeps nothing, and StorageError.

    What is lost or failing is the installation's, and told in no tenant's report.
    """
    queries, administration = queries_of(host, order), host.administration
    exchanges = ExchangeFilter(since=order.since, until=order.until)
    return Evidence(
        midwatch=host.version,
        collected_at=host.clock.now(),
        tenant=order.tenant,
        since=order.since,
        until=order.until,
        traffic=await traffic_of(queries, exchanges),
        hosts=await hosts_of(queries, order.since, order.until),
        findings=await findings_of(queries, FindingFilter(since=order.since, until=order.until)),
        policy=await policy_of(host),
        keeping=await keeping_of(host, order.tenant),
        audit=(
            None
            if administration is None
            else await audit_log_of(administration, order.tenant, order.since, order.until)
        ),
        keys=None if administration is None else await keys_of(host, administration, order.tenant),
        limits=await limits_of(host, order.tenant),
        health=health_of(host.samples()) if host.samples is not None and order.tenant is None else None,
    )


def queries_of(host: Host, order: ReportOrder) -> Queries:
    """The query service within the order's tenant. Raises ReportError where this process has none."""
    if host.queries is None:
        raise ReportError("this process keeps no exchanges: reports are made where the store is")
    return host.queries.within(Scope() if order.tenant is None else Scope(tenants=frozenset({order.tenant})))
