"""Watching for troubles in control: each that begins, goes on or ends is raised as an alert.

Its counterpart is `incidents`: what becomes of an alert is decided there.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from midwatch_core.breaker import SECURITY, STORE
from midwatch_core.clock import Clock
from midwatch_core.metrics import Metrics, Sample
from midwatch_core.model.alert import Alert
from midwatch_core.pipeline import Pipeline
from midwatch_core.plugin_metrics import DISABLED, ON_TRIAL, security_state
from midwatch_core.storing import BREAKER
from midwatch_core.troubles import Condition, Trouble, Troubles

_LOOK_S = 1.0
# What is wrong is raised again so often, and is over where it was not for so long: nobody looks any more then.
KEEP_UP_S = 30.0
OVER = timedelta(seconds=120)
_DROPPED = "midwatch_journal_dropped_total"
_TURNED_AWAY, _WAITING = "midwatch_connections_turned_away", "midwatch_addresses_waiting"
TOLD_BY = frozenset({_DROPPED, _TURNED_AWAY, _WAITING, DISABLED, ON_TRIAL})
"""The metrics that `condition_of` reads."""


class TroubleWatch:
    """Looks once a second."""

    def __init__(
        self, look: Callable[[], Condition], raise_alert: Callable[[Alert], None], metrics: Metrics, *, clock: Clock
    ) -> None:
        self._look = look
        self._raise = raise_alert
        self._metrics = metrics
        self._clock = clock
        self._troubles = Troubles()
        self._kept_up_s = clock.monotonic()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK_S)

    def look(self) -> None:
        """Look now."""
        condition, now_s = self._look(), self._clock.monotonic()
        for part, state in condition.breakers.items():
            self._metrics.set(BREAKER, state.level, (part,))
        for change in self._troubles.look(condition, now_s):
            self._raise(self._alert(change.trouble, count=1, resolved=not change.began))
        if now_s >= self._kept_up_s + KEEP_UP_S:
            self._kept_up_s = now_s
            for trouble in self._troubles.current:
                self._raise(self._alert(trouble, count=0, resolved=False))

    def _alert(self, trouble: Trouble, *, count: int, resolved: bool) -> Alert:
        now = self._clock.now()
        return Alert(
            at=now,
            category=trouble.category,
            severity=trouble.severity,
            title=trouble.title,
            fingerprint=trouble.fingerprint,
            details=trouble.details,
            count=count,
            expires_at=now + OVER,
            resolved=resolved,
        )


def condition_of(
    samples: Iterable[Sample],
    pipeline: Pipeline,
    *,
    journal_bytes: int,
    journal_max_bytes: int,
    said: Mapping[str, str],
) -> Condition:
    """How the installation is, by the metrics of all processes; `said` is what plugins said when they last failed."""
    held = list(samples)
    return Condition(
        breakers={STORE: pipeline.breaker.state, SECURITY: security_state(held)},
        store_available=pipeline.available,
        journal_bytes=journal_bytes,
        journal_max_bytes=journal_max_bytes,
        dropped=_sum(held, _DROPPED),
        turned_away=_sum(held, _TURNED_AWAY),
        waiting=_sum(held, _WAITING),
        disabled={name: said.get(name, "") for name in _labelled(held, DISABLED)},
        on_trial=frozenset(_labelled(held, ON_TRIAL)),
    )


def _sum(samples: Iterable[Sample], name: str) -> int:
    return int(sum(item.values[0] for item in samples if item.name == name))


def _labelled(samples: Iterable[Sample], name: str) -> list[str]:
    return [item.labels[0] for item in samples if item.name == name and item.values[0] > 0]
