"""The plugin: models begin to load with the house, and texts that people outside wrote are shown to them."""

from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from pathlib import Path

from midwatch_core import (
    MODEL_METRICS,
    Classified,
    Clock,
    Command,
    Host,
    Json,
    MetricSpec,
    ModelNumbers,
    Part,
    PluginHealth,
    Role,
    SystemClock,
    hookimpl,
    led_by,
)
from midwatch_ml.asking.model import Model
from midwatch_ml.asking.panel import Panel
from midwatch_ml.calibration import shares_for
from midwatch_ml.settings import ModelSettings, Settings

_ASKING = (Role.WORKER, Role.CONTROL, Role.COMMAND)


class Ml:
    """Votes and detections of classifiers (`ml/MODEL`, category `prompt_injection`)."""

    Config = Settings

    def __init__(self, config: Settings | None = None) -> None:
        self._settings = config or Settings()
        self._home = Path()
        self._numbers = ModelNumbers(None)
        self._clock: Clock = SystemClock()
        self._way: Mapping[str, Json] = {}
        self._started_s: float | None = None
        self._panel: Panel | None = None

    @hookimpl
    def metrics(self) -> Sequence[MetricSpec]:
        """How models do."""
        return list(MODEL_METRICS)

    @hookimpl
    def startup(self, host: Host) -> None:
        """Begin to load in control; elsewhere the first text begins it. Raises ConfigError for a bad calibration."""
        self._home, self._clock = host.home, host.clock
        self._way = led_by(host.settings)
        if host.role not in _ASKING:
            return
        self._numbers = ModelNumbers(host.metrics)
        self._started_s = host.clock.monotonic()
        self._panel = self._made()
        if host.role is Role.CONTROL:
            self._panel.start()

    @hookimpl
    def classify_text(self, text: str, part: Part) -> Awaitable[Classified] | None:
        """What the models say of a text, once they have said it."""
        panel = self._panel = self._panel or self._made()
        return panel.classify(text, part) if panel.reads(part) else None

    @hookimpl
    def health(self) -> PluginHealth | None:
        """Ready when no model that acts is still loading, or after `ready_within_s`; `without` are the missing."""
        if self._panel is None or self._started_s is None:
            return None
        acting = [one for one in self._panel.models if not one.settings.shadow]
        waited_s = self._clock.monotonic() - self._started_s
        return PluginHealth(
            ready=all(one.is_settled for one in acting) or waited_s >= self._settings.ready_within_s,
            facts={
                "models": {one.settings.id: one.report() for one in self._panel.models},
                "without": [one.settings.id for one in acting if not one.is_ready],
            },
        )

    @hookimpl
    def watched(self, host: Host) -> list[Path]:
        """Directories of models."""
        folders = [one.folder(host.home) for one in self._settings.models]
        return [folder for folder in folders if folder is not None]

    @hookimpl
    def reload(self, host: Host) -> None:
        """Load what is new or can't be had, and leave alone what is as it was. Raises ConfigError."""
        told = host.settings.get("ml")
        wanted = told if isinstance(told, Settings) else self._settings
        self._way = led_by(host.settings)
        if self._panel is None:
            return
        same = {model.settings: model for model in self._panel.models if model.is_fresh}
        models = [same.get(one) or self._model(one) for one in wanted.models]
        self._settings, self._panel = wanted, self._panel.renewed(models)
        if host.role is Role.CONTROL:
            self._panel.start()

    @hookimpl
    async def shutdown(self, host: Host) -> None:
        """End the models' processes."""
        if self._panel is not None:
            await self._panel.close()

    @hookimpl
    def commands(self, host: Host) -> list[Command]:
        """`ml list`, `ml evaluate`, `ml export`."""
        from midwatch_ml.commanding.words import run

        return [Command(name="ml", help="Models: list, evaluate, export", run=partial(run, self._settings, host))]

    def _made(self) -> Panel:
        return Panel([self._model(one) for one in self._settings.models], self._numbers)

    def _model(self, settings: ModelSettings) -> Model:
        return Model(settings, self._home, self._numbers, shares_for(settings, self._home), way=self._way)
