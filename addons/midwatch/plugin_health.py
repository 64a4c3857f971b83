"""What plugins say of their own health: asked in control, and checked before anybody is shown it."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from midwatch_core.access.identifying import label
from midwatch_core.contributions import PluginHealth
from midwatch_core.guarded import Outcome, called
from midwatch_core.hosting import Plugins
from midwatch_core.model.content import Json
from midwatch_core.sound import NonsenseError

_MOST_BYTES = 64 * 1024
# Of all plugins together, so many packs are told of.
_MOST_PACKS = 50
_NAME_CHARACTERS, _WHY_CHARACTERS = 100, 500
_UNSAID = "its health could not be asked: see `plugins list`"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginsHealth:
    """Whether no plugin asks for patience, and what each one that has something to say says, by its name."""

    ready: bool = True
    facts: Mapping[str, dict[str, Json]] = field(default_factory=dict)


def health_of(plugins: Plugins) -> PluginsHealth:
    """Ask every plugin. One that fails, or says what can't be used, keeps nobody waiting: it is shown and counted."""
    said = {outcome.name.rpartition(".")[0]: _said(plugins, outcome) for outcome in plugins.call_all("health")}
    known = {name: health for name, health in said.items() if health is not None}
    return PluginsHealth(
        ready=all(health.ready for health in known.values()),
        facts={name: {**health.facts, "ready": health.ready} for name, health in known.items()},
    )


def refused_packs(health: PluginsHealth) -> dict[str, str]:
    """The packs of rules that plugins say they can't use as they are, by name, each with why; the first ones."""
    found: dict[str, str] = {}
    for facts in health.facts.values():
        refused = facts.get("refused")
        for item in refused if isinstance(refused, list) else ():
            if isinstance(item, dict) and len(found) < _MOST_PACKS:
                name = label(str(item.get("pack", "")))
                found[(name or "without a name")[:_NAME_CHARACTERS]] = str(item.get("problem", ""))[:_WHY_CHARACTERS]
    return found


def _said(plugins: Plugins, outcome: Outcome) -> PluginHealth | None:
    """A plugin's answer as it can be used; None from one that has nothing to say."""
    if outcome.ok and outcome.value is None:
        return None
    if outcome.ok:
        checked = called(outcome.name, _plain, outcome.value)
        if checked.ok:
            health: PluginHealth = checked.value
            return health
        plugin = outcome.name.rpartition(".")[0]
        plugins.guard.complain(outcome.name, NonsenseError(plugin, f"gave no health: {checked.error!r:.200}"))
    return PluginHealth(ready=True, facts={"problem": _UNSAID})


def _plain(value: object) -> PluginHealth:
    """The answer with its facts as plain JSON, which nobody changes any more. Raises where it is none."""
    if inspect.iscoroutine(value):
        value.close()  # nobody will await it: no warning about that either
    if not isinstance(value, PluginHealth) or not isinstance(value.ready, bool):
        raise TypeError(f"{type(value).__name__}, not a PluginHealth")
    written = orjson.dumps(dict(value.facts))
    if len(written) > _MOST_BYTES:
        raise ValueError(f"facts of {len(written):,} bytes, {_MOST_BYTES:,} are the most")
    return PluginHealth(ready=value.ready, facts=orjson.loads(written))
