"""What is counted of the watch."""

from midwatch_core import MetricKind, MetricSpec

RUNNING = "midwatch_anomaly_running"
BEGAN = "midwatch_anomaly_began_total"
SERIES = "midwatch_anomaly_series"
LATE = "midwatch_anomaly_late_total"
UNWATCHED = "midwatch_anomaly_unwatched_total"

METRICS = (
    MetricSpec(name=RUNNING, kind=MetricKind.GAUGE, help="Anomalies that go on"),
    MetricSpec(name=BEGAN, kind=MetricKind.COUNTER, help="Anomalies that began", labels=("metric", "scope", "side")),
    MetricSpec(name=SERIES, kind=MetricKind.GAUGE, help="Tenants, agents, keys and models that are watched"),
    MetricSpec(name=LATE, kind=MetricKind.COUNTER, help="Calls stored too late to be of the traffic of now"),
    MetricSpec(name=UNWATCHED, kind=MetricKind.COUNTER, help="Buckets of tenants for which there was no room"),
)
