"""The plugin: weighs what detectors and models say of a call, by the home's calibration."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from midwatch_core import (
    Command,
    Direction,
    Exchange,
    Finding,
    Host,
    Json,
    PluginHealth,
    Role,
    Segment,
    TextVote,
    Weighed,
    hookimpl,
)
from midwatch_ensemble.calibration import Calibration
from midwatch_ensemble.lexicon import Lexicon, Reading
from midwatch_ensemble.settings import Settings
from midwatch_ensemble.shelf import Shelf, shipped
from midwatch_ensemble.weighing import Scale, weighed

_REMEMBERED = 20_000


class Ensemble:
    """Findings `ensemble/prompt-injection`; a score of 0.5 is the operating point's threshold."""

    Config = Settings

    def __init__(self, config: Settings | None = None) -> None:
        self._settings = config or Settings()
        self._parts = frozenset(self._settings.where)
        self._lexicon = Lexicon.shipped()
        self._calibration: Calibration = shipped()
        self._readings: OrderedDict[str, Reading] = OrderedDict()

    @hookimpl
    def startup(self, host: Host) -> None:
        """Take the home's own calibration, if it has one. Raises ConfigError."""
        if host.role is not Role.POOL:
            self._calibration = Shelf(host.home).current()

    @hookimpl
    def weigh(
        self,
        findings: Sequence[Finding],
        exchange: Exchange | None,
        votes: Sequence[TextVote],
        texts: Mapping[tuple[Direction, str], Segment],
    ) -> Weighed:
        """One score, findings with who gave what, and the confidences of the others set right."""
        tenant = exchange.identity.tenant if exchange is not None else ""
        return weighed(findings, votes, texts, scale=self._scale(tenant), parts=self._parts, read=self._read)

    @hookimpl
    def watched(self, host: Host) -> list[Path]:
        """The file that names the calibration in use."""
        return [Shelf(host.home).in_use_file]

    @hookimpl
    def reload(self, host: Host) -> None:
        """Take the calibration and the settings that are there now. Raises ConfigError, and keeps what it has."""
        self._calibration = Shelf(host.home).current()
        told = host.settings.get("ensemble")
        if isinstance(told, Settings):
            self._settings = told
            self._parts = frozenset(told.where)

    @hookimpl
    def health(self) -> PluginHealth:
        """Which calibration is in use."""
        facts: dict[str, Json] = {
            "calibration": self._calibration.version,
            "hash": self._calibration.hash[:16],
            "operating_point": self._settings.operating_point.value,
        }
        return PluginHealth(ready=True, facts=facts)

    @hookimpl
    def commands(self, host: Host) -> list[Command]:
        """`ensemble calibrations`, `ensemble use`, `ensemble calibrate`."""
        from midwatch_ensemble.commanding.words import run

        return [Command(name="ensemble", help="Calibrations: list, use, make", run=partial(run, host))]

    def _scale(self, tenant: str) -> Scale:
        own = self._settings.tenants.get(tenant)
        point, threshold = self._settings.operating_point, self._settings.threshold
        if own is not None and (own.operating_point is not None or own.threshold is not None):
            point, threshold = own.operating_point or point, own.threshold
        return Scale(calibration=self._calibration, point=point, threshold=threshold)

    def _read(self, segment: Segment) -> Reading:
        """What a text's words say; of a text seen before (by its keyed hash) it is known."""
        known = self._readings.get(segment.hash) if segment.hash else None
        if known is not None:
            self._readings.move_to_end(segment.hash)
            return known
        reading = self._lexicon.read(segment.text)
        if segment.hash:
            self._readings[segment.hash] = reading
            if len(self._readings) > _REMEMBERED:
                self._readings.popitem(last=False)
        return reading
