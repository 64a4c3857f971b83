"""The tally: what workers last reported, and the sums that outlive them."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch_core.metrics import MetricKind, Metrics, Sample, from_json, summed

# A worker that has been silent this long is not counted among the living.
_SILENT_S = 5.0


@dataclass(slots=True)
class _Worker:
    seen_s: float
    samples: list[Sample]
    leaving: bool


@dataclass(slots=True)
class Tally:
    """Counters never step back: a worker that ended leaves its counts behind. `now` gives monotonic seconds."""

    metrics: Metrics
    now: Callable[[], float] = time.monotonic
    _workers: dict[tuple[str, int], _Worker] = field(default_factory=dict)
    _gone: list[Sample] = field(default_factory=list)
    # What each plugin said when it last failed in a worker, by name.
    plugin_errors: dict[str, str] = field(default_factory=dict)

    def take(self, beat: Mapping[str, Any]) -> None:
        """A heartbeat came. Raises KeyError, TypeError or ValueError where it is none."""
        name, pid, last = str(beat["worker"]), int(beat["pid"]), bool(beat["last"])
        samples = from_json(beat["metrics"], self.metrics.specs)
        for key in [key for key in self._workers if key[0] == name and key[1] != pid]:
            self._retire(key)  # its name is another's now
        self._workers[name, pid] = _Worker(seen_s=self.now(), samples=samples, leaving=bool(beat.get("leaving")))
        self.plugin_errors |= {str(plugin): str(said) for plugin, said in (beat.get("plugin_errors") or {}).items()}
        if last:
            self._retire((name, pid))

    def living(self) -> list[str]:
        """Names of the workers heard of lately, without those from whom others have taken over."""
        return sorted(name for (name, _), one in self._workers.items() if self._lives(one) and not one.leaving)

    def samples(self, only: Collection[str] | None = None) -> list[Sample]:
        """All processes' metrics as one, or those named: counts of all that ever were, gauges of those that live."""
        parts = [self._gone]
        for worker in self._workers.values():
            # One that is silent may only be slow: its counts stay its own, for it to go on from.
            parts.append(worker.samples if self._lives(worker) else self._counted(worker))
        if only is not None:
            parts = [[item for item in part if item.name in only] for part in parts]
        return summed([self.metrics.samples(only), *parts], self.metrics.specs)

    def _lives(self, worker: _Worker) -> bool:
        return self.now() - worker.seen_s <= _SILENT_S

    def _retire(self, key: tuple[str, int]) -> None:
        self._gone = summed([self._gone, self._counted(self._workers.pop(key))], self.metrics.specs)

    def _counted(self, worker: _Worker) -> list[Sample]:
        return [item for item in worker.samples if self.metrics.specs[item.name].kind is not MetricKind.GAUGE]
