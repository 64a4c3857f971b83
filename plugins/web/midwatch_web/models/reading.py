"""Models put together: from the metrics of all processes, and from what their plugins say of their health in control.

A plugin with models gives, among the facts of its health, `models`: by name what `ModelProcess.report` tells, with
`shadow` and `expected` (shares of the calibration set's scores) where it has them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch_core import Health, Host, Json, MetricSpec, Sample
from midwatch_web.models.histogram import histogram_of
from midwatch_web.models.model import Model

_PREFIX = "midwatch_model_"
_MOST = 50
# Metrics that are counted by a second label: the field they are, by the metric's name without the prefix.
_BY_LABEL = {"processes": "states", "texts_total": "texts", "restarts_total": "restarts", "shadow_total": "agreement"}
_HISTOGRAMS = {"seconds": "text_s", "queue_seconds": "queue_s", "batch_texts": "batch_texts", "score": "scores"}
_NUMBERS = {"waiting": int, "resident_bytes": int, "drift": float}


@dataclass(slots=True)
class _Fields:
    """The fields of a model, as they are found; `said` is how its plugin in control says that it stands."""

    values: dict[str, Any] = field(default_factory=dict)
    said: str = ""

    def count(self, name: str, label: str, number: float) -> None:
        counts = self.values.setdefault(name, {})
        counts[label] = counts.get(label, 0) + int(number)

    def model(self, name: str) -> Model:
        """The model; where no process is counted, it stands as its plugin says."""
        return Model(name=name, **({"states": {self.said: 1}} if self.said else {}) | self.values)


def models_of(host: Host) -> list[Model]:
    """Every model that anything is known of, by name; the first 50."""
    found: dict[str, _Fields] = {}
    for plugin, name, facts in _told(host.health() if host.health else None):
        said = facts.get("state")
        found[name] = _Fields({"plugin": plugin, **_of_facts(facts)}, said=said if isinstance(said, str) else "")
    for sample in host.samples() if host.samples else ():
        spec = host.metrics.specs.get(sample.name)
        if spec is not None and sample.name.startswith(_PREFIX) and spec.labels[:1] == ("model",):
            _take(found.setdefault(sample.labels[0], _Fields()), spec, sample)
    return [found[name].model(name) for name in sorted(found)[:_MOST]]


def _told(health: Health | None) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
    """Plugin, name and facts of every model that a plugin tells of."""
    plugins = health.parts.get("plugins") if health is not None else None
    for plugin, facts in _mapping(plugins).items():
        for name, told in _mapping(_mapping(facts).get("models")).items():
            yield plugin, name, _mapping(told)


def _of_facts(facts: Mapping[str, Json]) -> dict[str, Any]:
    card, shadow, threshold = _mapping(facts.get("card")), facts.get("shadow"), facts.get("threshold")
    words = {key: str(card[key]) for key in ("backend", "revision", "checksum") if card.get(key)}
    return {
        **words,
        "shadow": shadow if isinstance(shadow, bool) else None,
        "threshold": float(threshold) if isinstance(threshold, int | float) else None,
        "problem": str(facts.get("problem") or ""),
        "expected": _shares(facts.get("expected")),
    }


def _shares(value: Json) -> tuple[float, ...]:
    numbers = value if isinstance(value, list) else []
    shares = tuple(float(share) for share in numbers if isinstance(share, int | float))
    return shares if shares and len(shares) == len(numbers) else ()


def _take(model: _Fields, spec: MetricSpec, sample: Sample) -> None:
    """What one sample says of its model. A state of no process, and a model that is loaded nowhere, say nothing."""
    name, value = sample.name.removeprefix(_PREFIX), sample.values[0]
    if name in _HISTOGRAMS:
        model.values[_HISTOGRAMS[name]] = histogram_of(spec, sample)
    elif name in _NUMBERS:
        model.values[name] = _NUMBERS[name](value)
    elif name in _BY_LABEL and value:
        model.count(_BY_LABEL[name], sample.labels[1], value)
    elif name == "info" and value:
        model.values |= dict(zip(spec.labels[1:], sample.labels[1:], strict=True))


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
