"""How plugins do in this process and its scan pool: what each process reports, and what all of them come to."""

from midwatch.pool.pool import ScanPool
from midwatch.pool.standing import METRICS as POOL_METRICS
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.plugin_metrics import METRICS as PLUGIN_METRICS
from midwatch_core.plugin_metrics import report_plugins

METRICS = (*PLUGIN_METRICS, *POOL_METRICS)


def report(plugins: Plugins, pool: ScanPool | None, metrics: Metrics) -> None:
    """Set the metrics of plugins, in which METRICS are declared."""
    report_plugins(plugins, metrics)
    if pool is not None:
        pool.report(metrics)
