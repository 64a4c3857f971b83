"""The room of incidents: it takes alerts at once; what becomes of them is logged, put on record, kept and told, once.

Where the store is away it goes on from memory. A restart goes on with what was open before (see `keeping`).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from midwatch.control.incidents.keeping import Keeping
from midwatch.control.incidents.notes import IncidentNotes
from midwatch_core.alert_bounds import bounded_alert
from midwatch_core.clock import Clock
from midwatch_core.errors import StorageError
from midwatch_core.hosting import Plugins
from midwatch_core.ids import uuid7
from midwatch_core.incidents import IncidentNews, Incidents, told_again
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.model.alert import Alert
from midwatch_core.model.audit import AuditRecord
from midwatch_core.model.finding import Severity
from midwatch_core.model.incident import Incident, IncidentChange, IncidentState
from midwatch_core.ports import MetadataRepository

logger = logging.getLogger(__name__)

TROUBLES = "midwatch_troubles"
METRICS = (
    MetricSpec(
        name=TROUBLES, kind=MetricKind.GAUGE, help="Alerts that are not over, by category", labels=("category",)
    ),
)
TOLD_AGAIN = timedelta(minutes=10)
"""What began so long before a start is told again: the process before may have ended before it was told."""
OF_THE_HOUSE = frozenset({"breaker", "certificate", "edge", "journal", "pack", "plugin", "store", "worker"})
"""Categories of what is wrong with the installation itself. All else is about its traffic."""
_ACTOR = "midwatch"
_LOOK_S = 1.0
# How often the store is asked who took something on elsewhere, and asked again for what was open before.
_ASK_S = 5.0
# A hook is given so long for a change; the others wait for it.
_NOTIFY_S = 10.0
# Changes that wait for slow hooks: beyond, the oldest are not told.
_MOST_UNTOLD = 10_000
_MILD = frozenset({Severity.INFO, Severity.LOW})
# What calls show is news for whoever watches them, and no error of ours: `exec` writes to its command's terminal.
_OF_CALLS = frozenset({"anomaly", "finding"})


class IncidentRoom:
    """Everything here happens on one event loop; `start` first, then `run` for ever.

    `record` puts an audit record where it waits for the store: that may itself be the trouble.
    """

    def __init__(
        self,
        metadata: MetadataRepository,
        plugins: Plugins,
        metrics: Metrics,
        *,
        record: Callable[[AuditRecord], None],
        clock: Clock,
        notes: IncidentNotes,
    ) -> None:
        self._plugins = plugins
        self._metrics = metrics
        self._record = record
        self._clock = clock
        self._incidents = Incidents(_new_id)
        self._keeping = Keeping(metadata, notes, clock, self._stands)
        self._counted: Mapping[str, int] = {}
        self._untold: deque[IncidentNews] = deque()
        self._news = asyncio.Event()
        self._restored = False

    def open(self) -> tuple[Incident, ...]:
        """What is not over, the oldest first."""
        return self._incidents.open

    def find(self, incident_id: str) -> Incident | None:
        """One that is not over."""
        return self._incidents.find(incident_id)

    def health(self) -> list[dict[str, str]]:
        """The installation's own troubles as JSON values: no tenant's are among them, and nothing of its traffic."""
        return [
            {
                "category": item.category,
                "severity": item.severity.value,
                "title": item.title,
                "since": item.began_at.isoformat(),
            }
            for item in self._incidents.open
            if item.tenant is None and item.category in OF_THE_HOUSE
        ]

    def raise_alert(self, alert: Alert) -> None:
        """Take an alert, or the end of one."""
        self._take(self._incidents.take(bounded_alert(alert), self._clock.monotonic()))

    def acknowledge(self, incident_id: str, by: str) -> Incident | None:
        """Take one on; how it stands then, None where it is not open. Who does it has put that on record."""
        news = self._incidents.acknowledge(incident_id, by, self._clock.now())
        self._take(() if news is None else (news,))
        return self._incidents.find(incident_id)

    def forget(self, tenant: str) -> None:
        """A tenant is forgotten: nothing of it is kept or told any more."""
        untold = [news.incident for news in self._untold if news.incident.tenant == tenant]
        self._untold = deque(news for news in self._untold if news.incident.tenant != tenant)
        for incident in (*self._incidents.forget(tenant), *untold):
            self._keeping.forget(incident.id)
        self._count()

    def look(self) -> None:
        """End what nobody raised again."""
        self._take(self._incidents.look(self._clock.now(), self._clock.monotonic()))

    async def start(self) -> None:
        """Go on with what was open before; with the store away that is tried again by `run`."""
        try:
            kept = await self._keeping.restored()
        except StorageError as error:
            logger.error("which alerts were open is not known yet: %s", error)
            return
        self._restored = True
        now = self._clock.now()
        ended = self._incidents.restore(kept, now, self._clock.monotonic())
        for incident, _ in kept:
            if incident.began_at > now - TOLD_AGAIN and self._incidents.find(incident.id) is not None:
                self._tell(told_again(incident))
        self._take(ended)

    async def run(self) -> None:
        """Look, ask, keep and tell for ever."""
        async with asyncio.TaskGroup() as jobs:
            for job in (self._keep_looking(), self._keep_asking(), self._keeping.run(), self._keep_telling()):
                jobs.create_task(job)

    async def ask(self) -> None:
        """Learn of what was taken on elsewhere."""
        if not self._restored:
            await self.start()
        if all(item.acknowledged_at is not None for item in self._incidents.open):
            return
        try:
            taken_on = await self._keeping.not_over(frozenset({IncidentState.ACKNOWLEDGED}))
        except StorageError:
            return  # whoever keeps has said so
        for incident in taken_on:
            self._stands(incident)

    async def settle(self, deadline_s: float) -> None:
        """Keep what waits, for so long at most."""
        await self._keeping.settle(deadline_s)

    def _stands(self, kept: Incident) -> None:
        news = self._incidents.know(kept)
        self._take(() if news is None else (news,))

    def _take(self, all_news: Iterable[IncidentNews]) -> None:
        for news in all_news:
            if news.change is not None:
                _log(news)
                self._put_on_record(news)
                self._tell(news)
            if news.change is not IncidentChange.RESOLVED:
                self._keep(news)
        self._count()

    def _put_on_record(self, news: IncidentNews) -> None:
        """Its beginning, its worsening and its end: who took it on is put on record where that was asked."""
        if news.change is IncidentChange.BEGAN:
            self._record(_recorded(news.incident, "trouble", news.incident.began_at))
        elif news.change is IncidentChange.WORSE:
            severity = {"severity": news.incident.severity.value}
            self._record(_recorded(news.incident, "worse", news.alert.at, severity))
        elif news.change is IncidentChange.RESOLVED:
            self._record(_recorded(news.incident, "resolved", news.incident.resolved_at or news.alert.at))

    def _tell(self, news: IncidentNews) -> None:
        self._untold.append(news)
        if len(self._untold) > _MOST_UNTOLD:
            dropped = self._untold.popleft()
            logger.error("plugins are too slow to be told of this (%s): %s", dropped.change, dropped.incident.title)
            self._told(dropped)
        self._news.set()

    def _told(self, news: IncidentNews) -> None:
        """An end is kept when it was told: a process that dies between finds the incident open, and ends it again."""
        if news.change is IncidentChange.RESOLVED:
            self._keep(news)

    def _keep(self, news: IncidentNews) -> None:
        expires_at = self._incidents.expires_at(news.incident.id)
        self._keeping.note(news.incident, expires_at, soon=news.change is not None)

    def _count(self) -> None:
        """Set the gauges that changed: an alert that comes again may be of another category than before."""
        counts = self._incidents.categories
        for category in self._counted.keys() | counts.keys():
            if (number := counts.get(category, 0)) != self._counted.get(category):
                self._metrics.set(TROUBLES, number, (category,))
        self._counted = counts

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            self.look()

    async def _keep_asking(self) -> None:
        while True:
            await asyncio.sleep(_ASK_S)
            await self.ask()

    async def _keep_telling(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._untold:
                news = self._untold.popleft()
                await self._plugins.wait_all(
                    "notify", deadline_s=_NOTIFY_S, alert=news.alert, incident=news.incident, change=news.change
                )
                self._told(news)


def _new_id(at: datetime) -> str:
    return uuid7(max(0.0, at.timestamp()))


def _log(news: IncidentNews) -> None:
    incident = news.incident
    of_calls = incident.category in _OF_CALLS
    level = logging.INFO if of_calls else logging.WARNING
    if news.change is IncidentChange.RESOLVED:
        logger.log(level, "over: %s", incident.title)
    elif news.change is IncidentChange.ACKNOWLEDGED:
        logger.log(level, "taken on by %s: %s", incident.acknowledged_by, incident.title)
    else:
        level = logging.INFO if of_calls or incident.severity in _MILD else logging.ERROR
        worse = "worse: " if news.change is IncidentChange.WORSE else ""
        logger.log(level, "trouble: %s%s%s", worse, incident.title, _shown(incident.details))


def _recorded(incident: Incident, action: str, at: datetime, also: Mapping[str, str] | None = None) -> AuditRecord:
    told = {"category": incident.category, "title": incident.title, **(also or {})}
    details: dict[str, Any] = {**incident.details, **told}
    return AuditRecord(
        at=at,
        actor=_ACTOR,
        action=action,
        subject=incident.fingerprint,
        details=details,
        tenant=incident.tenant,
    )


def _shown(details: Mapping[str, str]) -> str:
    shown = ", ".join(f"{key}: {value}" for key, value in details.items() if value)
    return f" ({shown})" if shown else ""
