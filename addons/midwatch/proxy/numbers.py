"""What a worker counts, declared apart from who counts it: control reads it, and imports nothing of the proxy for that.

The counters themselves stand where the thing happens, under the names that are given here.
"""

from midwatch.plugin_report import METRICS as PLUGINS
from midwatch.process_numbers import METRICS as PROCESS
from midwatch.proxy.lag import METRIC as LAG
from midwatch_core.metrics import MetricKind, MetricSpec
from midwatch_core.scan_metrics import METRICS as SCANNING

JOURNALING = (
    MetricSpec(
        name="midwatch_calls_total", kind=MetricKind.COUNTER, help="LLM calls seen", labels=("provider", "dialect")
    ),
    MetricSpec(
        name="midwatch_settle_seconds",
        kind=MetricKind.HISTOGRAM,
        help="Time to settle a call: seal it and have it in the journal",
        buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1),
    ),
    MetricSpec(name="midwatch_journal_frames_total", kind=MetricKind.COUNTER, help="Exchanges journalled"),
    MetricSpec(name="midwatch_journal_bytes_total", kind=MetricKind.COUNTER, help="Bytes journalled"),
    MetricSpec(name="midwatch_journal_late_total", kind=MetricKind.COUNTER, help="Journal waits that took too long"),
    MetricSpec(name="midwatch_journal_slim_total", kind=MetricKind.COUNTER, help="Exchanges journalled without texts"),
    MetricSpec(name="midwatch_journal_dropped_total", kind=MetricKind.COUNTER, help="Exchanges lost to a full disk"),
    MetricSpec(
        name="midwatch_journal_refused_total", kind=MetricKind.COUNTER, help="Calls refused because of a full disk"
    ),
    MetricSpec(name="midwatch_journal_write_errors_total", kind=MetricKind.COUNTER, help="Failed journal writes"),
    MetricSpec(name="midwatch_journal_queued_bytes", kind=MetricKind.GAUGE, help="Bytes that wait for the disk"),
)
GUARDING = (
    MetricSpec(
        name="midwatch_enforced_total",
        kind=MetricKind.COUNTER,
        help="Calls that policy did something about, by the strongest action",
        labels=("action",),
    ),
    MetricSpec(
        name="midwatch_guard_failures_total",
        kind=MetricKind.COUNTER,
        help="Times the guard itself failed: the call passed, or was refused where a line says so",
        labels=("where",),
    ),
)
IDENTIFYING = (
    MetricSpec(
        name="midwatch_denied_total",
        kind=MetricKind.COUNTER,
        help="Tunnels and requests refused because of who made them",
        labels=("why",),
    ),
)
GOVERNING = (
    MetricSpec(
        name="midwatch_limited_total",
        kind=MetricKind.COUNTER,
        help="Calls that a limit or a budget refused, or whose stream it cut; `(away)`: nobody could count them",
        labels=("rule",),
    ),
    MetricSpec(
        name="midwatch_budget_reserved_usd_total",
        kind=MetricKind.COUNTER,
        help="US dollars that calls reserved of a budget before they went out, and while they streamed",
        labels=("rule",),
    ),
    MetricSpec(
        name="midwatch_budget_used_usd_total",
        kind=MetricKind.COUNTER,
        help="US dollars that stayed counted against a budget when calls ended",
        labels=("rule",),
    ),
    MetricSpec(
        name="midwatch_budget_crossed_total",
        kind=MetricKind.COUNTER,
        help="Times a budget reached half, four fifths and all of what it allows",
        labels=("rule", "percent"),
    ),
    MetricSpec(
        name="midwatch_limits_fallback_total",
        kind=MetricKind.COUNTER,
        help="Calls that were counted in the worker's own memory, for the shared cache was away",
    ),
    MetricSpec(
        name="midwatch_limits_unsettled_total",
        kind=MetricKind.COUNTER,
        help="Calls that could not be settled with the shared cache: what they reserved stays spent",
    ),
    MetricSpec(
        name="midwatch_budget_unknown_total",
        kind=MetricKind.COUNTER,
        help="Budgets that began at zero in this period, for control did not say what was spent before",
        labels=("rule",),
    ),
)
SEEING = (
    MetricSpec(
        name="midwatch_passthrough_total",
        kind=MetricKind.COUNTER,
        help="Connections to AI services that were relayed unread: known by name alone, or because of a pinned client",
        labels=("why",),
    ),
    MetricSpec(
        name="midwatch_sightings_lost_total",
        kind=MetricKind.COUNTER,
        help="Connections and calls that the inventory had no room for",
    ),
    MetricSpec(
        name="midwatch_pinned_total",
        kind=MetricKind.COUNTER,
        help="Clients that refused our certificate for a host, and were remembered for it",
        labels=("host",),
    ),
)
SOCKETS = (
    MetricSpec(name="midwatch_sockets_open", kind=MetricKind.GAUGE, help="WebSockets to models that are open now"),
    MetricSpec(
        name="midwatch_socket_messages_total",
        kind=MetricKind.COUNTER,
        help="Messages on WebSockets to models, by who sent them (client, server)",
        labels=("sender",),
    ),
)
EDGES = (
    MetricSpec(
        name="midwatch_edges_refused_total",
        kind=MetricKind.COUNTER,
        help="What strangers tried and was refused, by the edge it met (docs/edges.md)",
        labels=("edge",),
    ),
    MetricSpec(
        name="midwatch_connections_held_total",
        kind=MetricKind.COUNTER,
        help="Times a client had to wait, for it had sent 1 MiB before its server was connected to",
    ),
    MetricSpec(name="midwatch_connections_open", kind=MetricKind.GAUGE, help="Client connections that are open now"),
    MetricSpec(
        name="midwatch_connections_turned_away",
        kind=MetricKind.GAUGE,
        help="Client connections of the last minute that there was no room for",
    ),
    MetricSpec(
        name="midwatch_addresses_waiting",
        kind=MetricKind.GAUGE,
        help="Addresses that tried too many wrong keys, and must wait now",
    ),
)
WORKER = (
    *JOURNALING,
    *GUARDING,
    *IDENTIFYING,
    *GOVERNING,
    *SEEING,
    *SOCKETS,
    *EDGES,
    LAG,
    *SCANNING,
    *PROCESS,
    *PLUGINS,
)
"""All of these."""
