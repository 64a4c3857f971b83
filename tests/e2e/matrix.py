"""The ways in to what is kept: every route of every application that the console mounts, classified by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from starlette.routing import Mount as SubApplication
from starlette.routing import Route

from midwatch.home import Home
from midwatch.settings import resolve
from midwatch_core.clock import SystemClock
from midwatch_core.host import Host, Role
from midwatch_core.metrics import Metrics


class Way(Enum):
    """What a route gives, and so to whom."""

    # Says nothing of any call: to everybody.
    OPEN = "open"
    # Of the program, and of no call: to who may read.
    PROGRAM = "program"
    # Of the installation as a whole: to who may read all tenants.
    WHOLE = "whole"
    # Many calls, their sums, or what is on record of a tenant: to who may read, those of their tenants.
    LIST = "list"
    SUMS = "sums"
    # One call, or one conversation: to who may read its tenant; to anybody else it is not there.
    ONE = "one"
    # Calls as they come: as a list.
    TAIL = "tail"
    # Changes who the browser is, and nothing else.
    SESSION = "session"
    # Changes, or tries, what is of the installation as a whole: its own tests say who may.
    CHANGE = "change"
    # Takes what is sent, and shows nothing of any call: to who may send calls.
    SENT = "sent"
    # A report, which must have been ordered first: to who may read its tenant, as its own tests say.
    REPORT = "report"
    # A finding, or counts by what only findings have: to who may read its tenant, as its own tests say.
    FINDING = "finding"
    # An alert: to who may read its tenant, as its own tests say.
    ALERT = "alert"
    # What a signed link opens, to whoever has it, as its own tests say.
    LINK = "link"
    # Of tenants and keys: to who administers them, as its own tests say.
    ROLE = "role"
    # The predecessor's: what its successor gives, as its own tests say.
    ALIAS = "alias"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """A route, and what it gives."""

    path: str
    way: Way
    methods: frozenset[str]


ENTRANCES = tuple(
    Entrance(path=path, way=way, methods=frozenset(methods.split()))
    for path, way, methods in (
        ("/", Way.LIST, "GET"),
        ("/alerts", Way.LIST, "GET"),
        ("/alerts/acknowledge/{token}", Way.LINK, "GET"),
        ("/alerts/acknowledge/{token}", Way.CHANGE, "POST"),
        ("/alerts/channels", Way.WHOLE, "GET"),
        ("/alerts/channels/{channel}/test", Way.CHANGE, "POST"),
        ("/alerts/deliveries/{delivery_id}/retry", Way.CHANGE, "POST"),
        ("/alerts/{incident_id}", Way.ALERT, "GET"),
        ("/alerts/{incident_id}/acknowledge", Way.CHANGE, "POST"),
        ("/calls", Way.LIST, "GET"),
        ("/findings", Way.LIST, "GET"),
        ("/findings/triage", Way.CHANGE, "POST"),
        ("/findings/{finding_id}", Way.FINDING, "GET"),
        ("/findings/{finding_id}/triage", Way.CHANGE, "POST"),
        ("/totals", Way.SUMS, "GET"),
        ("/hosts", Way.LIST, "GET"),
        ("/live", Way.TAIL, "GET"),
        ("/exchanges/{exchange_id}", Way.ONE, "GET"),
        ("/exchanges/{exchange_id}/diff", Way.ONE, "GET"),
        ("/exchanges/{exchange_id}/texts/{side}/{index}", Way.ONE, "GET"),
        ("/conversations", Way.LIST, "GET"),
        ("/traces/{trace_id}", Way.ONE, "GET"),
        ("/costs", Way.LIST, "GET"),
        ("/costs/budgets", Way.LIST, "GET"),
        ("/access", Way.ROLE, "GET"),
        ("/access/keys", Way.CHANGE, "POST"),
        ("/access/keys/{key_id}", Way.ROLE, "GET"),
        ("/access/keys/{key_id}/revoke", Way.ROLE, "GET"),
        ("/access/keys/{key_id}/revoke", Way.CHANGE, "POST"),
        ("/access/keys/{key_id}/rotate", Way.CHANGE, "POST"),
        ("/access/new-key", Way.ROLE, "GET"),
        ("/access/new-tenant", Way.ROLE, "GET"),
        ("/access/tenants", Way.CHANGE, "POST"),
        ("/access/tenants/{name}", Way.ROLE, "GET"),
        ("/access/tenants/{name}/remove", Way.ROLE, "GET"),
        ("/access/tenants/{name}/remove", Way.CHANGE, "POST"),
        ("/audit", Way.LIST, "GET"),
        ("/audit/verify", Way.WHOLE, "GET"),
        ("/policies", Way.WHOLE, "GET"),
        ("/policies/edit", Way.WHOLE, "GET"),
        ("/policies/edit", Way.CHANGE, "POST"),
        ("/policies/publish", Way.CHANGE, "POST"),
        ("/policies/roll_back", Way.CHANGE, "POST"),
        ("/policies/versions", Way.WHOLE, "GET"),
        ("/policies/versions/{version}", Way.WHOLE, "GET"),
        ("/policies/withdraw", Way.WHOLE, "GET"),
        ("/policies/withdraw", Way.CHANGE, "POST"),
        ("/reports", Way.LIST, "GET"),
        ("/reports", Way.CHANGE, "POST"),
        ("/reports/list", Way.LIST, "GET"),
        ("/reports/{report_id}", Way.REPORT, "GET"),
        ("/reports/{report_id}/again", Way.CHANGE, "POST"),
        ("/reports/{report_id}/{form}", Way.REPORT, "GET"),
        ("/rules", Way.WHOLE, "GET"),
        ("/rules/try", Way.PROGRAM, "GET"),
        ("/rules/try", Way.CHANGE, "POST"),
        ("/rules/{rule_id:path}", Way.WHOLE, "GET"),
        ("/plugins", Way.WHOLE, "GET"),
        ("/models", Way.WHOLE, "GET"),
        ("/system", Way.WHOLE, "GET"),
        ("/rest", Way.PROGRAM, "GET"),
        ("/auth/keys", Way.ALIAS, "GET"),
        ("/auth/keys", Way.CHANGE, "POST"),
        ("/auth/keys/{key_id}", Way.CHANGE, "DELETE"),
        ("/costs/current", Way.ALIAS, "GET"),
        ("/reports/generate", Way.CHANGE, "POST"),
        ("/security/findings", Way.ALIAS, "GET"),
        ("/spans", Way.ALIAS, "GET"),
        ("/spans/{span_id}", Way.ALIAS, "GET"),
        ("/stats", Way.ALIAS, "GET"),
        ("/tenants", Way.ALIAS, "GET"),
        ("/tenants", Way.CHANGE, "POST"),
        ("/traces", Way.ALIAS, "GET"),
        ("/signin", Way.OPEN, "GET"),
        ("/signin", Way.SESSION, "POST"),
        ("/signout", Way.SESSION, "POST"),
        ("/static", Way.OPEN, ""),
        ("/api/v1/openapi.json", Way.PROGRAM, "GET HEAD"),
        ("/api/v1/activity", Way.LIST, "GET"),
        ("/api/v1/alerts", Way.LIST, "GET"),
        ("/api/v1/alerts.csv", Way.LIST, "GET"),
        ("/api/v1/alerts.jsonl", Way.LIST, "GET"),
        ("/api/v1/alerts/channels", Way.WHOLE, "GET"),
        ("/api/v1/alerts/channels/{channel}/test", Way.CHANGE, "POST"),
        ("/api/v1/alerts/deliveries", Way.WHOLE, "GET"),
        ("/api/v1/alerts/deliveries/{delivery_id}/retry", Way.CHANGE, "POST"),
        ("/api/v1/alerts/{incident_id}", Way.ALERT, "GET"),
        ("/api/v1/alerts/{incident_id}/acknowledge", Way.CHANGE, "POST"),
        ("/api/v1/usage", Way.LIST, "GET"),
        ("/api/v1/findings", Way.LIST, "GET"),
        ("/api/v1/findings.csv", Way.LIST, "GET"),
        ("/api/v1/findings.jsonl", Way.LIST, "GET"),
        ("/api/v1/findings/counts", Way.FINDING, "GET"),
        ("/api/v1/findings/{finding_id}", Way.FINDING, "GET"),
        ("/api/v1/findings/{finding_id}/triage", Way.CHANGE, "POST"),
        ("/api/v1/exchanges", Way.LIST, "GET"),
        ("/api/v1/exchanges.csv", Way.LIST, "GET"),
        ("/api/v1/exchanges.jsonl", Way.LIST, "GET"),
        ("/api/v1/exchanges/{exchange_id}", Way.ONE, "GET"),
        ("/api/v1/exchanges/{exchange_id}/curl", Way.ONE, "GET"),
        ("/api/v1/exchanges/{exchange_id}/diff", Way.ONE, "GET"),
        ("/api/v1/exchanges/{exchange_id}/har", Way.ONE, "GET"),
        ("/api/v1/exchanges/{exchange_id}/raw/{side}", Way.ONE, "GET"),
        ("/api/v1/traces", Way.LIST, "GET"),
        ("/api/v1/traces/{trace_id}", Way.ONE, "GET"),
        ("/api/v1/audit", Way.LIST, "GET"),
        ("/api/v1/audit.csv", Way.LIST, "GET"),
        ("/api/v1/audit.jsonl", Way.LIST, "GET"),
        ("/api/v1/audit/verify", Way.WHOLE, "GET"),
        ("/api/v1/budgets", Way.LIST, "GET"),
        ("/api/v1/costs", Way.LIST, "GET"),
        ("/api/v1/costs.csv", Way.LIST, "GET"),
        ("/api/v1/costs.jsonl", Way.LIST, "GET"),
        ("/api/v1/hosts", Way.LIST, "GET"),
        ("/api/v1/ingest", Way.SENT, "POST"),
        ("/api/v1/keys", Way.ROLE, "GET"),
        ("/api/v1/keys", Way.CHANGE, "POST"),
        ("/api/v1/keys/{key_id}", Way.ROLE, "GET"),
        ("/api/v1/keys/{key_id}", Way.CHANGE, "DELETE"),
        ("/api/v1/keys/{key_id}/rotate", Way.CHANGE, "POST"),
        ("/api/v1/limits", Way.LIST, "GET"),
        ("/api/v1/live", Way.TAIL, "GET"),
        ("/api/v1/policies", Way.WHOLE, "GET"),
        ("/api/v1/policies/check", Way.CHANGE, "POST"),
        ("/api/v1/policies/publish", Way.CHANGE, "POST"),
        ("/api/v1/policies/roll_back", Way.CHANGE, "POST"),
        ("/api/v1/policies/simulate", Way.CHANGE, "POST"),
        ("/api/v1/policies/versions", Way.WHOLE, "GET"),
        ("/api/v1/policies/versions/{version}", Way.WHOLE, "GET"),
        ("/api/v1/policies/withdraw", Way.CHANGE, "POST"),
        ("/api/v1/reports", Way.LIST, "GET"),
        ("/api/v1/reports", Way.CHANGE, "POST"),
        ("/api/v1/reports/{report_id}", Way.REPORT, "GET"),
        ("/api/v1/reports/{report_id}/{form}", Way.REPORT, "GET"),
        ("/api/v1/rules", Way.WHOLE, "GET"),
        ("/api/v1/rules/{rule_id:path}", Way.WHOLE, "GET"),
        ("/api/v1/plugins", Way.WHOLE, "GET"),
        ("/api/v1/models", Way.WHOLE, "GET"),
        ("/api/v1/system", Way.WHOLE, "GET"),
        ("/api/v1/config", Way.WHOLE, "GET"),
        ("/api/v1/auth/keys", Way.ALIAS, "GET"),
        ("/api/v1/auth/keys", Way.CHANGE, "POST"),
        ("/api/v1/auth/keys/{key_id}", Way.CHANGE, "DELETE"),
        ("/api/v1/costs/current", Way.ALIAS, "GET"),
        ("/api/v1/reports/generate", Way.CHANGE, "POST"),
        ("/api/v1/security/findings", Way.LIST, "GET"),
        ("/api/v1/spans", Way.LIST, "GET"),
        ("/api/v1/spans/{span_id}", Way.ALIAS, "GET"),
        ("/api/v1/stats", Way.SUMS, "GET"),
        ("/api/v1/scan", Way.SENT, "POST"),
        ("/api/v1/tenants", Way.ROLE, "GET"),
        ("/api/v1/tenants", Way.CHANGE, "POST"),
        ("/api/v1/tenants/{name}", Way.ROLE, "GET"),
        ("/api/v1/tenants/{name}", Way.CHANGE, "PATCH"),
        ("/api/v1/tenants/{name}", Way.CHANGE, "DELETE"),
        ("/v1/logs", Way.SENT, "POST"),
        ("/v1/metrics", Way.SENT, "POST"),
        ("/v1/traces", Way.SENT, "POST"),
        ("/metrics", Way.WHOLE, "GET"),
        ("/healthz", Way.OPEN, "GET HEAD"),
        ("/readyz", Way.OPEN, "GET HEAD"),
        ("/startupz", Way.OPEN, "GET HEAD"),
    )
)


def mounted_routes(home: Home, config_file: Path) -> list[tuple[str, frozenset[str]]]:
    """Path and methods of every route that control serves under this configuration, of whatever plugin."""
    resolved = resolve(home, config_file=config_file, flags={})
    host = Host(
        role=Role.CONTROL,
        home=home.root,
        metrics=Metrics(),
        settings=dict(resolved.config),
        clock=SystemClock(),
    )
    mounts = list(resolved.plugins.gather("mounts", host=host))
    assert mounts, "nothing is mounted: is the web plugin installed?"
    return [route for mount in mounts for route in _served_by(mount)]


def _served_by(mount: Any) -> Iterator[tuple[str, frozenset[str]]]:
    """The routes of an application; a plain one, which has no router, says what it serves."""
    if (served := getattr(mount.app, "paths", None)) is not None:
        yield from served.items()
        return
    for path, methods in _routes_of(mount.app.routes):
        yield mount.prefix + path, methods


def _routes_of(routes: Iterable[Any]) -> Iterator[tuple[str, frozenset[str]]]:
    for route in routes:
        if isinstance(route, Route):
            yield route.path, frozenset(route.methods or ())
        elif isinstance(route, SubApplication):
            yield route.path, frozenset()
        else:  # FastAPI keeps what was included as a router of its own
            yield from _routes_of(route.original_router.routes)
