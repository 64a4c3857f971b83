"""What control meets when it reads the journal, as metrics."""

from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_journal import ReaderStats

METRICS = (
    MetricSpec(
        name="midwatch_journal_corrupt_total",
        kind=MetricKind.COUNTER,
        help="Damaged stretches in the journal that were passed over",
    ),
    MetricSpec(
        name="midwatch_journal_torn_total", kind=MetricKind.COUNTER, help="Frames cut off by the death of a worker"
    ),
    MetricSpec(
        name="midwatch_journal_read_errors_total", kind=MetricKind.COUNTER, help="Failed reads of the journal's files"
    ),
    MetricSpec(
        name="midwatch_journal_note_errors_total",
        kind=MetricKind.COUNTER,
        help="Times the disk took no note of how far the journal is read",
    ),
    MetricSpec(
        name="midwatch_dead_letters_lost_total",
        kind=MetricKind.COUNTER,
        help="Dead letters that could not be kept, or were the oldest where there was no room",
    ),
)


def report_reader(stats: ReaderStats, metrics: Metrics) -> None:
    """Set the metrics, in which METRICS are declared."""
    metrics.set("midwatch_journal_corrupt_total", stats.corrupt)
    metrics.set("midwatch_journal_torn_total", stats.torn)
    metrics.set("midwatch_journal_read_errors_total", stats.read_errors)
    metrics.set("midwatch_journal_note_errors_total", stats.cursor_errors + stats.slice_errors)
    metrics.set("midwatch_dead_letters_lost_total", stats.dead_letters_lost)
