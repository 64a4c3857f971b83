"""The lines of `plugins list`: what is installed, and how it does by the metrics of all processes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from midwatch.pool.who import pool_plugins
from midwatch_core.hosting import PluginInfo, Plugins
from midwatch_core.metrics import Sample
from midwatch_core.model.content import Json
from midwatch_core.plugin_metrics import CALLS, DISABLED, ERRORS, FAILING, SECONDS

# What is called again and again: only these tell how quick a plugin is.
_AT_WORK = frozenset(
    {
        "inspect_text",
        "inspect_delta",
        "inspect_exchange",
        "classify_text",
        "weigh",
        "mask",
        "price",
        "review",
        "notify",
    }
)
_STANDING = frozenset({FAILING, DISABLED, ERRORS})
_SPEED = frozenset({CALLS, SECONDS})


def plugin_rows(
    plugins: Plugins,
    in_loop: Collection[str],
    samples: Iterable[Sample] = (),
    said: Mapping[str, str] | None = None,
    *,
    health: Json = None,
) -> list[dict[str, Any]]:
    """One JSON object a plugin. By name, `said` are the last errors and `health` what they say of their health."""
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for sample in samples:
        if sample.name in _STANDING or (sample.name in _SPEED and sample.labels[1] in _AT_WORK):
            sums[sample.name, sample.labels[0]] += sample.values[0]
    away = pool_plugins(plugins, in_loop)
    told = health if isinstance(health, dict) else {}
    return [
        {**_row(item, sums, away, (said or {}).get(item.name)), "health": told.get(item.name)}
        for item in plugins.list()
    ]


def _row(
    item: PluginInfo, sums: Mapping[tuple[str, str], float], away: Collection[str], said: str | None
) -> dict[str, Any]:
    calls = sums[CALLS, item.name]
    return {
        "name": item.name,
        "version": item.version,
        "hooks": list(item.hooks),
        "state": _state(item, sums),
        "runs_in": "scan pool" if item.name in away else "process",
        "calls": int(calls),
        "mean_ms": round(1000 * sums[SECONDS, item.name] / calls, 3) if calls else None,
        "errors": int(sums[ERRORS, item.name]),
        "last_error": item.error or said,
        "error": item.error,
    }


def _state(item: PluginInfo, sums: Mapping[tuple[str, str], float]) -> str:
    if item.error is not None:
        return "not loaded"
    if sums[DISABLED, item.name]:
        return "disabled"
    return "failing" if sums[FAILING, item.name] else "ok"
