"""The process that asks: texts go to the model's process, entities come back and are put beside the patterns' hits."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from midwatch_core import (
    MODEL_METRICS,
    Classified,
    Detection,
    Host,
    MetricSpec,
    ModelError,
    ModelLimits,
    ModelNumbers,
    ModelProcess,
    ModelState,
    Part,
    PluginHealth,
    Role,
    hookimpl,
)
from midwatch_pii.ner.entities import Entity, Kind, Least
from midwatch_pii.ner.installed import folder_of
from midwatch_pii.ner.loading.wish import PLUGIN, Wish
from midwatch_pii.ner.merging import beside, detections
from midwatch_pii.ner.settings import NerSettings

# Of a longer text the rest is not sent: of this much already a share only is read.
LONGEST = 1_000_000
# Patterns look at a longer text in a thread, as the engine has them do.
_LONGEST_IN_LOOP = 16_384
# The longest text takes two seconds of a free processor; a niced process may have to wait long for one, and hangs not.
_LIMITS = ModelLimits(hang_s=60.0)
# Elsewhere no texts are looked at, or nobody could wait for a model.
_ASKED_BY = (Role.CONTROL, Role.WORKER, Role.COMMAND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """What the patterns' side lends: its hits in a text, and whether a value is no finding by the settings."""

    hits: Callable[[str, Part], Sequence[Detection]]
    is_allowed: Callable[[str, str], bool]


class Ner:
    """The model, as hooks that the plugin takes over; all is found in one loop."""

    def __init__(self, settings: NerSettings, least: Least, patterns: Patterns, *, load: str | None = None) -> None:
        """`load` names what loads the model, if not the settings' backend."""
        folder, revision = folder_of(settings.model)
        self._settings = settings
        self._patterns = patterns
        self._wish = Wish(
            name=settings.name,
            folder=folder,
            least=least,
            max_stretches=settings.max_stretches,
            revision=revision,
            checksum=settings.known_checksum,
        )
        self._load = load or f"midwatch_pii.ner.loading.{settings.backend}_model:load"
        self._numbers = ModelNumbers(None)
        self._process: ModelProcess | None = None
        self._host: Host | None = None
        self._began_s = 0.0
        self._capped = 0

    @hookimpl
    def metrics(self) -> list[MetricSpec]:
        """Those of models."""
        return list(MODEL_METRICS)

    @hookimpl
    def startup(self, host: Host) -> Awaitable[None] | None:
        """Control loads the model before it is ready; others load it when they first have a text."""
        self._host, self._began_s = host, host.clock.monotonic()
        self._numbers = ModelNumbers(host.metrics)
        return self._begin() if host.role is Role.CONTROL else None

    @hookimpl
    def classify_text(self, text: str, part: Part) -> Awaitable[Classified] | None:
        """Names, addresses and places in a text, and no votes: nothing here speaks of injection."""
        return self._classified(text, part) if part in self._settings.where and self._asks else None

    @hookimpl
    def health(self) -> PluginHealth | None:
        """Ready once the model is, or can't be had, or has had its time: then no names are found, and facts say so."""
        if self._host is None or not self._asks:
            return None
        model = self._model()
        settled = model.state in (ModelState.READY, ModelState.FAILED)
        waited_s = self._host.clock.monotonic() - self._began_s
        return PluginHealth(
            ready=settled or waited_s >= self._settings.ready_within_s,
            facts={"models": {self._wish.name: {**model.report(), "capped": self._capped}}},
        )

    @hookimpl
    def shutdown(self) -> Awaitable[None] | None:
        """The model's process ends."""
        return self._process.close() if self._process is not None else None

    @property
    def _asks(self) -> bool:
        return self._host is None or self._host.role in _ASKED_BY

    async def _begin(self) -> None:
        self._model().start()

    async def _classified(self, text: str, part: Part) -> Classified:
        entities, skipped = read(await self._model().ask(text[:LONGEST]))
        if skipped or len(text) > LONGEST:
            self._capped += 1
            self._numbers.capped(self._wish.name)
        if not entities:
            return Classified()
        inline = len(text) <= _LONGEST_IN_LOOP
        hits = self._patterns.hits(text, part) if inline else await asyncio.to_thread(self._patterns.hits, text, part)
        return Classified(detections=tuple(detections(beside(entities, hits), text, self._patterns.is_allowed)))

    def _model(self) -> ModelProcess:
        """Made when first needed: by then `startup` has told where to count."""
        if self._process is None:
            self._process = ModelProcess(
                PLUGIN,
                self._wish.name,
                load=self._load,
                options=self._wish.options(),
                limits=_LIMITS,
                numbers=self._numbers,
            )
        return self._process


def read(answer: Any) -> tuple[list[Entity], int]:
    """The entities of an answer, and how much of the text was not read. Raises ModelError for anything else."""
    try:
        entities = [
            Entity(Kind(kind), int(start), int(end), float(score)) for kind, start, end, score in answer["entities"]
        ]
        return entities, int(answer["skipped"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(PLUGIN, f"ner: the model's process spoke nonsense: {error}") from error
