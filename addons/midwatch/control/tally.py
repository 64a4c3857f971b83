"""The tally: what workers last reported, and the sums that outlive them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch_core.metrics import MetricKind, Metrics, Sample, from_json, summed

# A worker that has been silent this long is not counted among the living.
_SILENT_S = 5.0


@dataclass(slots=True)
class _Worker:
    pid: int
    seen_s: float
    samples: list[Sample]


@dataclass(slots=True)
class Tally:
    """Counters never step back: a worker that ended leaves its counts behind."""

    metrics: Metrics
    _workers: dict[tuple[str, int], _Worker] = field(default_factory=dict)
    _gone: list[Sample] = field(default_factory=list)

    def take(self, beat: Mapping[str, Any], at_s: float) -> None:
        """A heartbeat came. Raises KeyError, TypeError or ValueError where it is none."""
        key = (str(beat["worker"]), int(beat["pid"]))
        samples = from_json(beat["metrics"], self.metrics.specs)
        self._workers[key] = _Worker(pid=key[1], seen_s=at_s, samples=samples)
        if beat["last"]:
            self._retire(key)

    def living(self, at_s: float) -> list[str]:
        """Names of the workers heard of lately; the others are retired."""
        for key, worker in list(self._workers.items()):
            if at_s - worker.seen_s > _SILENT_S:
                self._retire(key)
        return sorted(name for name, _ in self._workers)

    def samples(self) -> list[Sample]:
        """All processes' metrics as one."""
        return summed([self._gone, self.metrics.samples(), *(worker.samples for worker in self._workers.values())])

    def _retire(self, key: tuple[str, int]) -> None:
        worker = self._workers.pop(key)
        counted = [item for item in worker.samples if self.metrics.specs[item.name].kind is not MetricKind.GAUGE]
        self._gone = summed([self._gone, counted])
