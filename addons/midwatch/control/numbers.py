"""The metrics of an installation: control's own, and the declarations by which it reads those of all workers."""

from midwatch import __version__
from midwatch.control.intake import METRICS as INTAKE
from midwatch.control.journal_counts import METRICS as JOURNAL
from midwatch.control.troubles import METRICS as TROUBLES
from midwatch.plugin_report import METRICS as PLUGINS
from midwatch.proxy.admission.identifying import METRICS as IDENTIFYING
from midwatch.proxy.governing.governance import METRICS as GOVERNANCE
from midwatch.proxy.guarding import METRICS as GUARDING
from midwatch.proxy.inventory.seeing import METRICS as SEEING
from midwatch.proxy.journaling import METRICS as WORKER
from midwatch.proxy.lag import METRIC as LAG
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.pipeline import METRICS as PIPELINE
from midwatch_core.reviewing import METRICS as REVIEWING

_OWN = (
    MetricSpec(name="midwatch_journal_depth_bytes", kind=MetricKind.GAUGE, help="Journal bytes not stored yet"),
    MetricSpec(name="midwatch_workers", kind=MetricKind.GAUGE, help="Workers heard of in the last seconds"),
    MetricSpec(name="midwatch_build_info", kind=MetricKind.GAUGE, help="Always 1", labels=("version",)),
)
_ALL = (
    *WORKER,
    *GUARDING,
    *IDENTIFYING,
    *GOVERNANCE,
    *SEEING,
    LAG,
    *PLUGINS,
    *PIPELINE,
    *REVIEWING,
    *INTAKE,
    *JOURNAL,
    *TROUBLES,
    *_OWN,
)


def declared(plugins: Plugins) -> Metrics:
    """A registry in which everything is declared."""
    metrics = Metrics()
    metrics.declare(_ALL)
    metrics.declare(plugins.gather("metrics"))
    metrics.set("midwatch_build_info", 1, (__version__,))
    return metrics
