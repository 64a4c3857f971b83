"""One model, asked about texts: its process, its scores as numbers, and whether they drift."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from midwatch_core import (
    Classified,
    Detection,
    Json,
    ModelError,
    ModelLimits,
    ModelNumbers,
    ModelProcess,
    ModelState,
    ScoreWindow,
    Severity,
    Vote,
)
from midwatch_ml.asking.condensed import Condensed
from midwatch_ml.asking.scored import Scored, read_answer
from midwatch_ml.asking.stamp import stamp_of
from midwatch_ml.settings import ModelSettings

PLUGIN = "ml"
_LOADERS = {
    "onnx": "midwatch_ml.loading.onnx_model:load",
    "transformers": "midwatch_ml.loading.transformers_model:load",
}
# What a model of torch takes longer and larger: floats, a base-sized network, perhaps a download first.
_LIMITS = {
    "onnx": ModelLimits(most_bytes=512 * 1024 * 1024),
    "transformers": ModelLimits(most_bytes=4 * 1024 * 1024 * 1024, hang_s=60.0, load_s=900.0),
}


class Model:
    """A model of the settings. `expected` are the shares of its calibration, where they are known.

    `load` names another loader than the backend's own, `module:function`; `way` is how a hub is reached (`led_by`).
    """

    def __init__(
        self,
        settings: ModelSettings,
        home: Path,
        numbers: ModelNumbers,
        expected: Sequence[float] | None = None,
        *,
        load: str | None = None,
        way: Mapping[str, Json] | None = None,
    ) -> None:
        self.settings = settings
        self._folder = settings.folder(home)
        self._stamp = stamp_of(self._folder)
        self._numbers = numbers
        self._expected = tuple(expected or ())
        self._window = ScoreWindow(expected) if expected is not None else None
        self.process = ModelProcess(
            PLUGIN,
            settings.id,
            load=load or _LOADERS[settings.backend],
            options={**settings.options(home), "way": dict(way or {})},
            limits=_LIMITS[settings.backend],
            numbers=numbers,
        )

    @property
    def is_fresh(self) -> bool:
        """Whether a reload would make the same of its settings; what can't be had is tried again."""
        return self.process.state is not ModelState.FAILED and stamp_of(self._folder) == self._stamp

    @property
    def is_ready(self) -> bool:
        """Whether it is loaded."""
        return self.process.state is ModelState.READY

    @property
    def is_settled(self) -> bool:
        """Whether it is loaded, or known not to be had for now: readiness waits for no more."""
        return self.process.state in (ModelState.READY, ModelState.FAILED)

    async def score(self, text: str) -> Scored | None:
        """How likely a text is an injection, with the place in it; None where there is nothing to read.

        Raises ModelError, BusyError.
        """
        sent = Condensed.of(text, windows=self.settings.max_windows, tokens=self.settings.window)
        answer = await self.process.ask(sent.text)
        try:
            found = read_answer(answer, max(1, len(self.heads)))
        except ValueError as error:
            raise ModelError(PLUGIN, f"model {self.settings.id}: {error}") from error
        if found is None:
            return None
        start, end = sent.span(found.start, min(found.end, len(sent.text)))
        found = replace(found, start=start, end=end, whole=found.whole and sent.whole)
        self._count(found)
        return found

    def classified(self, found: Scored, length: int) -> Classified:
        """What it reports of a text of so many code points, and its votes."""
        detail = "" if found.whole and found.windows == 1 else _where(found, length)
        voters = [f"{self.settings.id}/{head}" for head in self.heads] or [self.settings.id]
        votes = tuple(
            Vote(voter=voter, score=share, detail=detail) for voter, share in zip(voters, found.shares, strict=True)
        )
        detections = (self._detection(found, detail),) if self.acts_on(found) else ()
        return Classified(detections=detections, votes=votes)

    def acts_on(self, found: Scored | None) -> bool:
        """Whether it holds the text to be an injection."""
        return found is not None and found.injection >= self.settings.threshold

    @property
    def heads(self) -> Sequence[str]:
        """The heads' names, in the order of `Scored.shares`; none where there is one answer only."""
        facts: Any = self.process.card.facts.get("heads") if self.process.card is not None else None
        return [str(head) for head in facts] if isinstance(facts, list) else []

    def report(self) -> dict[str, Json]:
        """How it stands, for health."""
        drift = self._window.drift() if self._window is not None else None
        return {
            **self.process.report(),
            "shadow": self.settings.shadow,
            "threshold": self.settings.threshold,
            "expected": list(self._expected),
            "drift": round(drift, 4) if drift is not None else None,
        }

    def _count(self, found: Scored) -> None:
        self._numbers.scored(self.settings.id, found.injection)
        if not found.whole:
            self._numbers.capped(self.settings.id)
        if self._window is not None:
            self._window.add(found.injection)
            if (drift := self._window.drift()) is not None:
                self._numbers.drift(self.settings.id, drift)

    def _detection(self, found: Scored, detail: str) -> Detection:
        said = f"{self.settings.id} holds it to be an injection ({found.injection:.0%})"
        return Detection(
            rule=f"{PLUGIN}/{self.settings.id}",
            category="prompt_injection",
            severity=Severity.MEDIUM,
            confidence=found.injection,
            message=f"{said}: {detail}" if detail else said,
            start=found.start,
            end=found.end,
            owasp=("LLM01:2025",),
        )


def _where(found: Scored, length: int) -> str:
    place = f"characters {found.start:,} to {found.end:,} of {length:,}"
    return place if found.whole else f"{place}, which were not all read"
