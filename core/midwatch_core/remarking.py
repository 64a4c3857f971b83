"""The hook `review`: what a call that is complete shows beside those before it becomes findings of that call."""

from collections.abc import Sequence
from dataclasses import replace

from midwatch_core.clock import Clock, SystemClock
from midwatch_core.guarded import Outcome, called
from midwatch_core.hosting import Plugins
from midwatch_core.ids import uuid7
from midwatch_core.inspection import MAX_FINDINGS
from midwatch_core.metrics import Metrics
from midwatch_core.model.changing import changed
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding
from midwatch_core.reviewing import FINDINGS
from midwatch_core.sound import NonsenseError, Sound, sound_findings

METRICS = (FINDINGS,)


class Remarker:
    """Asks plugins about calls that are priced, masked and threaded; METRICS are declared in `metrics`."""

    def __init__(self, plugins: Plugins, metrics: Metrics, clock: Clock | None = None) -> None:
        self._plugins = plugins
        self._metrics = metrics
        self._clock = clock or SystemClock()

    def remarked(self, exchange: Exchange) -> Exchange:
        """The exchange with what plugins find it to show; as it is where that is nothing, or none of them can say."""
        fresh = [
            finding
            for outcome in self._plugins.call_all("review", exchange=exchange)
            if outcome.ok
            for finding in self._findings(outcome)
        ][:MAX_FINDINGS]
        if not fresh:
            return exchange
        for finding in fresh:
            self._metrics.add(FINDINGS.name, labels=(finding.category, finding.severity, finding.plugin))
        return changed(exchange, findings=(*exchange.findings, *fresh))

    def _findings(self, outcome: Outcome) -> Sequence[Finding]:
        """What of an answer can be used, stamped; what can't be is a complaint about the plugin."""
        plugin = outcome.name.rpartition(".")[0]
        checked = called(outcome.name, sound_findings, outcome.value)
        sound: Sound = checked.value if checked.ok else Sound([], "gave what can't be looked at")
        if sound.complaint is not None:
            self._plugins.guard.complain(outcome.name, NonsenseError(plugin, sound.complaint))
        return [replace(item, id=self._new_id(), plugin=plugin) for item in sound.items]

    def _new_id(self) -> str:
        return uuid7(self._clock.now().timestamp())
