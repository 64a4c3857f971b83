"""How the supervisor's processes do, as metrics: what it says in its file."""

from midwatch.crew.crew_file import Crew, State
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec

_RESTARTS = "midwatch_restarts_total"
_REPLACED = "midwatch_workers_replaced_total"
_DEGRADED, _LEAVING = "midwatch_workers_degraded", "midwatch_workers_leaving"

METRICS = (
    MetricSpec(
        name=_RESTARTS,
        kind=MetricKind.COUNTER,
        help="Times a process died and was started again, by what it was (worker, control)",
        labels=("role",),
    ),
    MetricSpec(
        name=_REPLACED,
        kind=MetricKind.COUNTER,
        help="Workers from whom another has taken over, by why: settings, memory, age",
        labels=("why",),
    ),
    MetricSpec(name=_DEGRADED, kind=MetricKind.GAUGE, help="Workers that die again and again"),
    MetricSpec(name=_LEAVING, kind=MetricKind.GAUGE, help="Workers that only end what they began"),
)


def report_crew(crew: Crew, metrics: Metrics) -> None:
    """Set them; METRICS are declared in `metrics`."""
    for role, count in crew.restarts.items():
        metrics.set(_RESTARTS, count, (role,))
    for why, count in crew.replaced.items():
        metrics.set(_REPLACED, count, (why,))
    metrics.set(_DEGRADED, len(crew.named(State.DEGRADED)))
    metrics.set(_LEAVING, len(crew.named(State.LEAVING)))
