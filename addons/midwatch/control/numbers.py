"""The metrics of an installation: control's own, and the declarations by which it reads those of all workers."""

from midwatch import __version__
from midwatch.control.crew_numbers import METRICS as CREW
from midwatch.control.exchange_numbers import METRICS as EXCHANGES
from midwatch.control.incidents import METRICS as TROUBLES
from midwatch.control.intake import METRICS as INTAKE
from midwatch.control.journal_counts import METRICS as JOURNAL
from midwatch.proxy.numbers import WORKER
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.pipeline import METRICS as PIPELINE
from midwatch_core.reviewing import METRICS as REVIEWING

_OWN = (
    MetricSpec(name="midwatch_journal_depth_bytes", kind=MetricKind.GAUGE, help="Journal bytes not stored yet"),
    MetricSpec(name="midwatch_journal_limit_bytes", kind=MetricKind.GAUGE, help="What the journal may come to"),
    MetricSpec(name="midwatch_workers", kind=MetricKind.GAUGE, help="Workers heard of in the last seconds"),
    MetricSpec(name="midwatch_build_info", kind=MetricKind.GAUGE, help="Always 1", labels=("version",)),
)
METRICS = (*WORKER, *PIPELINE, *REVIEWING, *INTAKE, *EXCHANGES, *JOURNAL, *TROUBLES, *CREW, *_OWN)
"""All but those of plugins."""


def declared(plugins: Plugins) -> Metrics:
    """A registry in which everything is declared."""
    metrics = Metrics()
    metrics.declare(METRICS)
    metrics.declare(plugins.gather("metrics"))
    metrics.set("midwatch_build_info", 1, (__version__,))
    return metrics
