"""How plugins do, as metrics: the guard's records and the breakers, counted in every process and summed in control."""

from collections.abc import Iterable, Iterator

from midwatch_core.breaker import BreakerState, worst
from midwatch_core.guarded import Record
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec, Sample

CALLS = "midwatch_plugin_calls_total"
SECONDS = "midwatch_plugin_seconds_total"
ERRORS = "midwatch_plugin_errors_total"
FAILING = "midwatch_plugin_failing"
DISABLED = "midwatch_plugin_disabled"
ON_TRIAL = "midwatch_plugin_on_trial"

_HOOK = ("plugin", "hook")
METRICS = (
    MetricSpec(name=CALLS, kind=MetricKind.COUNTER, help="Calls of plugins' hooks", labels=_HOOK),
    MetricSpec(name=SECONDS, kind=MetricKind.COUNTER, help="Seconds that plugins' hooks took", labels=_HOOK),
    MetricSpec(name=ERRORS, kind=MetricKind.COUNTER, help="Calls of plugins' hooks that failed", labels=_HOOK),
    MetricSpec(
        name=FAILING, kind=MetricKind.GAUGE, help="Processes where a plugin's last call failed", labels=("plugin",)
    ),
    MetricSpec(
        name=DISABLED, kind=MetricKind.GAUGE, help="Processes where a plugin is not asked any more", labels=("plugin",)
    ),
    MetricSpec(
        name=ON_TRIAL,
        kind=MetricKind.GAUGE,
        help="Processes where a plugin that was left alone is asked again, a few times",
        labels=("plugin",),
    ),
)


def report_plugins(plugins: Plugins, metrics: Metrics) -> None:
    """Set the metrics of this process. Plugins and hooks are what is installed: the labels are bounded."""
    failing: dict[str, bool] = {}
    for plugin, hook, record in records_of(plugins):
        metrics.set(CALLS, record.calls, (plugin, hook))
        metrics.set(SECONDS, record.seconds, (plugin, hook))
        metrics.set(ERRORS, record.failures, (plugin, hook))
        failing[plugin] = failing.get(plugin, False) or record.in_a_row > 0
    for plugin, fails in failing.items():
        metrics.set(FAILING, float(fails), (plugin,))
        state = plugins.breaker_state(plugin)
        metrics.set(DISABLED, float(state is BreakerState.OPEN), (plugin,))
        metrics.set(ON_TRIAL, float(state is BreakerState.HALF_OPEN), (plugin,))


def security_state(samples: Iterable[Sample]) -> BreakerState:
    """All detectors' breakers, in all processes these samples are of, as one."""
    states = {DISABLED: BreakerState.OPEN, ON_TRIAL: BreakerState.HALF_OPEN}
    return worst(states[item.name] for item in samples if item.name in states and item.values[0] > 0)


def last_errors(plugins: Plugins) -> dict[str, str]:
    """What each plugin that ever failed said the last time."""
    return {plugin: record.last_error for plugin, _, record in records_of(plugins) if record.last_error}


def failing(plugins: Plugins, times: int) -> dict[str, str]:
    """Plugins of which a hook failed so often in a row, or more often; by name, which hook it is and what it said."""
    return {
        plugin: f"{hook} failed {record.in_a_row} times in a row: {record.last_error}"
        for plugin, hook, record in records_of(plugins)
        if record.in_a_row >= times
    }


def records_of(plugins: Plugins) -> Iterator[tuple[str, str, Record]]:
    """Plugin, hook and how the calls went, of all hooks that were called."""
    known = {item.name for item in plugins.list()}
    for name, record in list(plugins.guard.records.items()):
        plugin, _, hook = name.rpartition(".")
        if plugin in known and hook not in ("import", "register"):
            yield plugin, hook, record
