"""Pages of the console to be opened: every one that there is, of something hostile wherever a page is of something."""

from tests.plugins.web.planted_calls import calls_of
from tests.plugins.web.served_routes import pages
from tests.plugins.web.whole_house import Served

RULE = "midwatch/prompt-injection/forget-everything"
# No pages: pieces of them, files, streams, and what programs look at.
PIECES = frozenset(
    {
        "/exchanges/{exchange_id}/texts/{side}/{index}",
        "/healthz",
        "/live",
        "/metrics",
        "/readyz",
        "/reports/list",
        "/reports/{report_id}/{form}",
        "/startupz",
        "/totals",
    }
)
# The same pages otherwise: filtered to nothing, begun from something, said no to.
FURTHER = (
    "/alerts?state=resolved",
    "/alerts/acknowledge/wrong",
    "/alerts/channels?tested=broken&went=dead",
    "/calls?text=nosuchword",
    "/conversations?provider=nosuch&period=all",
    "/findings?state=acknowledged",
    "/hosts?unknown=1",
    "/nosuchpage",
    "/policies/edit?from=balanced",
    "/signin?next=/calls",
)
# Of these, what is not there.
ABSENT = frozenset({"/alerts/acknowledge/wrong", "/nosuchpage"})
PAGES = (*(path for path in pages() if path not in PIECES), *FURTHER)


def place(served: Served, path: str, tenant: str = "acme") -> str:
    """Where a page is, or an answer, for what a tenant has."""
    call = calls_of(tenant)[3]
    keys = served.do(served.house.storage.metadata.keys)
    told = {
        "exchange_id": call.id,
        "trace_id": call.trace_id,
        "span_id": call.id,
        "finding_id": call.findings[0].id,
        "report_id": served.house.reports[tenant],
        "incident_id": served.house.alerts[tenant],
        "token": served.house.desks.alerts.signed(served.house.alerts[None], "on-call"),
        "form": "json",
        "version": 1,
        "side": "request",
        "index": 0,
        "name": tenant,
        "key_id": next(key.id for key in keys if key.tenant == (None if tenant == "default" else tenant)),
        "rule_id": RULE,
        "pack": RULE.rpartition("/")[0],
        "rule": RULE.rpartition("/")[2],
    }
    return path.replace(":path}", "}").format_map(told)
