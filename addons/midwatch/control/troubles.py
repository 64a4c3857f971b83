"""Watching for troubles in control: each that begins or ends is logged, put on record and told to `notify`, once."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from midwatch_core.breaker import SECURITY, STORE
from midwatch_core.clock import Clock
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec, Sample
from midwatch_core.model.alert import Alert
from midwatch_core.model.audit import AuditRecord
from midwatch_core.model.finding import Severity
from midwatch_core.pipeline import Pipeline
from midwatch_core.plugin_metrics import DISABLED, ON_TRIAL, security_state
from midwatch_core.storing import BREAKER
from midwatch_core.troubles import Change, Condition, Troubles

logger = logging.getLogger(__name__)

TROUBLES = "midwatch_troubles"
METRICS = (
    MetricSpec(
        name=TROUBLES, kind=MetricKind.GAUGE, help="Alerts that are not over, by category", labels=("category",)
    ),
)
_ACTOR = "midwatch"
_LOOK_S = 1.0
# A hook is given so long for an alert; the others wait for it.
_NOTIFY_S = 10.0
# Alerts that wait for slow hooks, and those that are not over: beyond, the oldest make room.
_MOST = 1000
_DROPPED = "midwatch_journal_dropped_total"
TOLD_BY = frozenset({_DROPPED, DISABLED, ON_TRIAL})
"""The metrics that `condition_of` reads."""
_MILD = frozenset({Severity.INFO, Severity.LOW})


class TroubleWatch:
    """Looks once a second, and takes alerts that others raise. The same trouble is never told twice in a row.

    `record` puts an audit record where it waits for the store: that may itself be the trouble.
    """

    def __init__(
        self,
        look: Callable[[], Condition],
        plugins: Plugins,
        metrics: Metrics,
        *,
        record: Callable[[AuditRecord], None],
        clock: Clock,
    ) -> None:
        self._look = look
        self._plugins = plugins
        self._metrics = metrics
        self._record = record
        self._clock = clock
        self._troubles = Troubles()
        self._open: dict[str, Alert] = {}
        self._untold: deque[Alert] = deque(maxlen=_MOST)
        self._news = asyncio.Event()

    @property
    def current(self) -> tuple[Alert, ...]:
        """What began and is not over, the oldest first."""
        return tuple(self._open.values())

    def health(self) -> list[dict[str, str]]:
        """The installation's own troubles as JSON values: no tenant's are among them."""
        return [
            {
                "category": item.category,
                "severity": item.severity.value,
                "title": item.title,
                "since": item.at.isoformat(),
            }
            for item in self._open.values()
            if item.tenant is None
        ]

    async def run(self) -> None:
        """Look and tell for ever."""
        async with asyncio.TaskGroup() as jobs:
            jobs.create_task(self._keep_looking())
            jobs.create_task(self._keep_telling())

    def look(self) -> None:
        """Look now."""
        condition = self._look()
        for part, state in condition.breakers.items():
            self._metrics.set(BREAKER, state.level, (part,))
        for change in self._troubles.look(condition, self._clock.monotonic()):
            self.raise_alert(self._alert(change))

    def raise_alert(self, alert: Alert) -> None:
        """Take an alert. One that is told already, and the end of one that was never told, are dropped."""
        if alert.resolved is (alert.fingerprint not in self._open):
            return
        if alert.resolved:
            del self._open[alert.fingerprint]
            logger.warning("over: %s", alert.title)
        else:
            self._open[alert.fingerprint] = alert
            level = logging.INFO if alert.severity in _MILD else logging.ERROR
            logger.log(level, "trouble: %s%s", alert.title, _told(alert.details))
        if len(self._open) > _MOST:
            self._count(self._open.pop(next(iter(self._open))).category)
        self._count(alert.category)
        self._record(_recorded(alert))
        self._untold.append(alert)
        self._news.set()

    def _count(self, category: str) -> None:
        self._metrics.set(TROUBLES, sum(item.category == category for item in self._open.values()), (category,))

    def _alert(self, change: Change) -> Alert:
        trouble = change.trouble
        return Alert(
            at=self._clock.now(),
            category=trouble.category,
            severity=trouble.severity,
            title=trouble.title,
            fingerprint=trouble.fingerprint,
            details=trouble.details,
            resolved=not change.began,
        )

    async def _keep_looking(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(_LOOK_S)

    async def _keep_telling(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._untold:
                await self._plugins.wait_all("notify", deadline_s=_NOTIFY_S, alert=self._untold.popleft())


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
        dropped=int(sum(item.values[0] for item in held if item.name == _DROPPED)),
        disabled={name: said.get(name, "") for name in _labelled(held, DISABLED)},
        on_trial=frozenset(_labelled(held, ON_TRIAL)),
    )


def _labelled(samples: Iterable[Sample], name: str) -> list[str]:
    return [item.labels[0] for item in samples if item.name == name and item.values[0] > 0]


def _recorded(alert: Alert) -> AuditRecord:
    details: dict[str, Any] = {**alert.details, "category": alert.category, "title": alert.title}
    return AuditRecord(
        at=alert.at,
        actor=_ACTOR,
        action="resolved" if alert.resolved else "trouble",
        subject=alert.fingerprint,
        details=details,
        tenant=alert.tenant,
    )


def _told(details: Mapping[str, str]) -> str:
    shown = ", ".join(f"{key}: {value}" for key, value in details.items() if value)
    return f" ({shown})" if shown else ""
