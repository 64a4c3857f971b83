"""How models do, as metrics. The plugins that have models declare them by `metrics()`; the same twice is one."""

from enum import StrEnum

from midwatch_core.inference.card import ModelCard
from midwatch_core.inference.state import ModelState
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec

_SECONDS = "midwatch_model_seconds"
_QUEUE_SECONDS = "midwatch_model_queue_seconds"
_BATCH_TEXTS = "midwatch_model_batch_texts"
_WAITING = "midwatch_model_waiting"
_TEXTS = "midwatch_model_texts_total"
_RESTARTS = "midwatch_model_restarts_total"
_PROCESSES = "midwatch_model_processes"
_RESIDENT = "midwatch_model_resident_bytes"
_INFO = "midwatch_model_info"
_SCORE = "midwatch_model_score"
_DRIFT = "midwatch_model_drift"
_SHADOW = "midwatch_model_shadow_total"

_MODEL = ("model",)
_TIMES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)

_AGREEMENTS = {
    (True, True): "both",
    (True, False): "only_shadow",
    (False, True): "only_acting",
    (False, False): "neither",
}


class TextOutcome(StrEnum):
    """What became of a text that a model was asked about; `CAPPED` texts were answered, but not read whole."""

    ANSWERED = "answered"
    BUSY = "busy"
    LATE = "late"
    FAILED = "failed"
    CAPPED = "capped"


METRICS = (
    MetricSpec(
        name=_SECONDS,
        kind=MetricKind.HISTOGRAM,
        help="Time that a model took for a text: a batch's, divided by its texts",
        labels=_MODEL,
        buckets=_TIMES,
    ),
    MetricSpec(
        name=_QUEUE_SECONDS,
        kind=MetricKind.HISTOGRAM,
        help="Time that a text waited for its model",
        labels=_MODEL,
        buckets=_TIMES,
    ),
    MetricSpec(
        name=_BATCH_TEXTS,
        kind=MetricKind.HISTOGRAM,
        help="Texts that a model was given at once",
        labels=_MODEL,
        buckets=(1, 2, 4, 8, 16, 32, 64),
    ),
    MetricSpec(name=_WAITING, kind=MetricKind.GAUGE, help="Texts that wait for a model", labels=_MODEL),
    MetricSpec(
        name=_TEXTS,
        kind=MetricKind.COUNTER,
        help="Texts that a model was asked about: answered, refused for it was busy, too late, failed; capped ones "
        "are among those answered",
        labels=("model", "outcome"),
    ),
    MetricSpec(
        name=_RESTARTS,
        kind=MetricKind.COUNTER,
        help="Processes of a model that were lost or replaced, by the reason",
        labels=("model", "reason"),
    ),
    MetricSpec(
        name=_PROCESSES,
        kind=MetricKind.GAUGE,
        help="Processes of a model, by how they stand",
        labels=("model", "state"),
    ),
    MetricSpec(name=_RESIDENT, kind=MetricKind.GAUGE, help="Memory of a model's processes", labels=_MODEL),
    MetricSpec(
        name=_INFO,
        kind=MetricKind.GAUGE,
        help="1 for each model that is loaded: what, and which",
        labels=("model", "backend", "revision", "checksum"),
        highest=True,
    ),
    MetricSpec(
        name=_SCORE,
        kind=MetricKind.HISTOGRAM,
        help="How likely a model held texts to be an injection",
        labels=_MODEL,
        buckets=tuple(step / 20 for step in range(1, 21)),
    ),
    MetricSpec(
        name=_DRIFT,
        kind=MetricKind.GAUGE,
        help="Population stability index of a model's newest scores against its calibration set",
        labels=_MODEL,
        highest=True,
    ),
    MetricSpec(
        name=_SHADOW,
        kind=MetricKind.COUNTER,
        help="Texts that a shadow model scored, by who would have acted: both, only it, only those that act, neither",
        labels=("model", "agreement"),
    ),
)


class ModelNumbers:
    """Counts in a registry, or in one of its own that nobody reads. Models are what settings name: labels are few."""

    def __init__(self, metrics: Metrics | None) -> None:
        self._metrics = metrics or Metrics()
        self._metrics.declare(METRICS)
        self._states: dict[str, ModelState] = {}

    def waited(self, model: str, seconds: float) -> None:
        """A text left the queue for the process."""
        self._metrics.observe(_QUEUE_SECONDS, seconds, (model,))

    def ran(self, model: str, texts: int, seconds: float) -> None:
        """A batch was answered, after so long in the process."""
        self._metrics.observe(_BATCH_TEXTS, texts, (model,))
        for _ in range(texts):
            self._metrics.observe(_SECONDS, seconds / texts, (model,))

    def waiting(self, model: str, texts: int) -> None:
        """So many texts are in the queue."""
        self._metrics.set(_WAITING, texts, (model,))

    def told(self, model: str, outcome: TextOutcome) -> None:
        """What became of a text."""
        self._metrics.add(_TEXTS, 1, (model, outcome.value))

    def capped(self, model: str) -> None:
        """A text was answered, but too long to be read whole; counted by the plugin that sees it in the answer."""
        self.told(model, TextOutcome.CAPPED)

    def lost(self, model: str, reason: str) -> None:
        """A process hung, crashed, swelled or did not start."""
        self._metrics.add(_RESTARTS, 1, (model, reason))

    def stands(self, model: str, state: ModelState) -> None:
        """A model's process stands thus now."""
        before = self._states.get(model)
        if before is not None:
            self._metrics.set(_PROCESSES, 0, (model, before.value))
        self._states[model] = state
        self._metrics.set(_PROCESSES, 1, (model, state.value))

    def resident(self, model: str, bytes_: int) -> None:
        """The memory of its process."""
        self._metrics.set(_RESIDENT, bytes_, (model,))

    def loaded(self, model: str, card: ModelCard, *, now: bool = True) -> None:
        """What is loaded; `now=False` where it is no longer."""
        self._metrics.set(_INFO, float(now), (model, card.backend, card.revision, card.checksum))

    def scored(self, model: str, score: float) -> None:
        """A score, between 0 and 1; counted by the plugin that reads it from the answer."""
        self._metrics.observe(_SCORE, score, (model,))

    def drift(self, model: str, index: float) -> None:
        """The population stability index of its newest scores."""
        self._metrics.set(_DRIFT, index, (model,))

    def shadow(self, model: str, *, shadow: bool, acting: bool) -> None:
        """Whether a shadow model would have acted on a text, and whether those that act did."""
        self._metrics.add(_SHADOW, 1, (model, _AGREEMENTS[shadow, acting]))
