"""What is counted of the export."""

from midwatch_core import MetricKind, MetricSpec

SENT = "midwatch_siem_sent_total"
FAILURES = "midwatch_siem_failures_total"
LOST = "midwatch_siem_lost_total"
WAITING = "midwatch_siem_waiting_bytes"
SPOOL = "midwatch_siem_spool_bytes"

METRICS = (
    MetricSpec(name=SENT, kind=MetricKind.COUNTER, help="Events that a sink took", labels=("sink",)),
    MetricSpec(name=FAILURES, kind=MetricKind.COUNTER, help="Batches that a sink did not take", labels=("sink",)),
    MetricSpec(
        name=LOST,
        kind=MetricKind.COUNTER,
        help="Events that never reach a sink: the spool was full, the receiver refused them",
        labels=("sink", "reason"),
    ),
    MetricSpec(name=WAITING, kind=MetricKind.GAUGE, help="Bytes that wait for a sink", labels=("sink",)),
    MetricSpec(name=SPOOL, kind=MetricKind.GAUGE, help="Bytes of the spool"),
)
