"""What is counted of alerts that go out."""

from midwatch_core import MetricKind, MetricSpec

SENT = "midwatch_alerts_sent_total"
FAILED = "midwatch_alerts_failed_total"
WAITING = "midwatch_alerts_waiting"
DEAD = "midwatch_alerts_dead"

METRICS = (
    MetricSpec(name=SENT, kind=MetricKind.COUNTER, help="Messages that a channel took", labels=("channel", "kind")),
    MetricSpec(
        name=FAILED,
        kind=MetricKind.COUNTER,
        help="Tries that failed: error, unknown (perhaps it was taken), busy, refused",
        labels=("channel", "reason"),
    ),
    MetricSpec(name=WAITING, kind=MetricKind.GAUGE, help="Messages that wait for a channel", labels=("channel",)),
    MetricSpec(name=DEAD, kind=MetricKind.GAUGE, help="Messages that were given up", labels=("channel",)),
)
