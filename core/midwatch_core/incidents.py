"""Incidents: alerts in, and what there is to tell of them out. Counterpart: a room that keeps and tells (control)."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from midwatch_core.model.alert import Alert
from midwatch_core.model.finding import Severity
from midwatch_core.model.incident import Incident, IncidentChange

# Incidents that are open at a time.
MOST_OPEN = 1000
# What was open when the process before ended is given so long to be raised again.
RESTORED_S = 120.0
# The incident that counts what finds no room, and how long after the last of these it is over.
TOO_MANY = "incidents:too-many"
TOO_MANY_S = 900.0

# An alert's fingerprint is one tenant's own: the same words of another tenant are another trouble.
type _Key = tuple[str | None, str]
_CROWD: _Key = (None, TOO_MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentNews:
    """What became of an incident, by which alert. `change` None: there is nothing to tell, only something to keep."""

    incident: Incident
    alert: Alert
    change: IncidentChange | None = None


@dataclass(slots=True)
class _Open:
    """One that is not over; `over_s` is when it is unless it is raised again, None where only its end is told."""

    incident: Incident
    over_s: float | None
    expires_at: datetime | None


class Incidents:
    """A pure state machine: each change of an incident comes out once, and its severity never falls.

    Expiries are counted on a clock that never steps back (`now_s`), from an alert's `at` to its `expires_at`: a wall
    clock that jumps ends nothing. `new_id` makes an id for an incident that begins at a moment.
    """

    def __init__(self, new_id: Callable[[datetime], str], *, most: int = MOST_OPEN) -> None:
        self._new_id = new_id
        self._most = most
        self._open: dict[_Key, _Open] = {}
        self._keys: dict[str, _Key] = {}
        self._counts: Counter[str] = Counter()

    @property
    def open(self) -> tuple[Incident, ...]:
        """What is not over, what began first at the beginning."""
        # Copied first, which is one step: pages are rendered in threads, and read it while it changes.
        return tuple(item.incident for item in tuple(self._open.values()))

    def find(self, incident_id: str) -> Incident | None:
        """One that is not over."""
        key = self._keys.get(incident_id)
        return None if key is None else self._open[key].incident

    @property
    def categories(self) -> Mapping[str, int]:
        """How many of each category are not over; those of which there is none are left out."""
        return dict(self._counts)

    def expires_at(self, incident_id: str) -> datetime | None:
        """When one is over unless it is raised again, by the wall clock of its last alert."""
        key = self._keys.get(incident_id)
        return None if key is None else self._open[key].expires_at

    def restore(
        self, kept: Sequence[tuple[Incident, datetime | None]], now: datetime, now_s: float
    ) -> tuple[IncidentNews, ...]:
        """Go on with these, the oldest first, each with its expiry; they get `RESTORED_S` to be raised again.

        Of one trouble the latest incident goes on, the others are over; so are those that find no room. Call it once.
        """
        latest = {_key(incident): (incident, expires_at) for incident, expires_at in kept}
        for key, (incident, expires_at) in latest.items():
            if key not in self._open and len(self._open) < self._most:
                left_s = 0.0 if expires_at is None else (expires_at - now).total_seconds()
                self._put(_Open(incident, now_s + max(RESTORED_S, left_s), expires_at))
        return tuple(_gone(incident, now) for incident, _ in kept if incident.id not in self._keys)

    def take(self, alert: Alert, now_s: float) -> tuple[IncidentNews, ...]:
        """An alert, or the end of one."""
        known = self._open.get(_key(alert))
        if alert.resolved:
            return () if known is None else (self._ended(known, alert),)
        if known is None and self._is_full():
            return tuple(self._crowded(alert, now_s))
        return (self._raised(known, alert, now_s),)

    def look(self, now: datetime, now_s: float) -> tuple[IncidentNews, ...]:
        """What is over because nobody raised it again."""
        over = [item for item in self._open.values() if item.over_s is not None and item.over_s <= now_s]
        return tuple(self._ended(item, _end(item.incident, now)) for item in over)

    def acknowledge(self, incident_id: str, by: str, at: datetime) -> IncidentNews | None:
        """Somebody takes one on. None where it is over, or taken on already."""
        incident = self.find(incident_id)
        if incident is None or incident.acknowledged_at is not None:
            return None
        item = self._open[self._keys[incident_id]]
        item.incident = replace(incident, acknowledged_at=at, acknowledged_by=by)
        return IncidentNews(incident=item.incident, alert=_last(item.incident), change=IncidentChange.ACKNOWLEDGED)

    def know(self, kept: Incident) -> IncidentNews | None:
        """How one stands in the store, where another process may have taken it on, or ended it."""
        incident = self.find(kept.id)
        if incident is None:
            return None
        if kept.resolved_at is not None:
            item = self._open[self._keys[kept.id]]
            return self._ended(item, _end(incident, kept.resolved_at))
        if kept.acknowledged_at is None:
            return None
        return self.acknowledge(kept.id, kept.acknowledged_by or "", kept.acknowledged_at)

    def forget(self, tenant: str) -> tuple[Incident, ...]:
        """Drop all of a tenant, who is forgotten; there is nothing to tell."""
        gone = [item for (whose, _), item in self._open.items() if whose == tenant]
        for item in gone:
            self._drop(item)
        return tuple(item.incident for item in gone)

    def _is_full(self) -> bool:
        """One place is kept for the incident that counts what finds none."""
        return len(self._open) - (_CROWD in self._open) >= self._most - 1

    def _crowded(self, alert: Alert, now_s: float) -> Iterator[IncidentNews]:
        """A critical one takes the place of the oldest of the mildest; others, and it among its like, are counted."""
        milder = self._mildest() if alert.severity is Severity.CRITICAL else None
        if milder is not None:
            yield self._ended(milder, _end(milder.incident, alert.at))
            yield self._began(alert, now_s)
        elif alert.count > 0:
            yield self._raised(self._open.get(_CROWD), _too_many(alert), now_s)

    def _mildest(self) -> _Open | None:
        """The oldest of the mildest; None where all are critical."""
        ordinary = (item for key, item in self._open.items() if key != _CROWD)
        found = min(ordinary, key=lambda item: item.incident.severity.rank, default=None)
        return None if found is None or found.incident.severity is Severity.CRITICAL else found

    def _raised(self, known: _Open | None, alert: Alert, now_s: float) -> IncidentNews:
        return self._began(alert, now_s) if known is None else self._again(known, alert, now_s)

    def _began(self, alert: Alert, now_s: float) -> IncidentNews:
        """Also where an alert says that it goes on: whoever raises it knows of it, whatever we do."""
        incident = Incident(
            id=self._new_id(alert.at),
            fingerprint=alert.fingerprint,
            category=alert.category,
            severity=alert.severity,
            title=alert.title,
            began_at=alert.at,
            last_at=alert.at,
            tenant=alert.tenant,
            details=alert.details,
            count=max(1, alert.count),
        )
        self._put(_Open(incident, _over_s(alert, now_s), alert.expires_at))
        return IncidentNews(incident=incident, alert=alert, change=IncidentChange.BEGAN)

    def _again(self, item: _Open, alert: Alert, now_s: float) -> IncidentNews:
        before = item.incident
        worse = alert.severity.rank > before.severity.rank
        item.incident = replace(
            before,
            category=alert.category,
            severity=alert.severity if worse else before.severity,
            title=alert.title,
            details=alert.details,
            last_at=max(before.last_at, alert.at),
            count=before.count + max(0, alert.count),
        )
        self._count(before.category, -1)
        self._count(alert.category, 1)
        item.over_s, item.expires_at = _over_s(alert, now_s), alert.expires_at
        return IncidentNews(incident=item.incident, alert=alert, change=IncidentChange.WORSE if worse else None)

    def _ended(self, item: _Open, alert: Alert) -> IncidentNews:
        self._drop(item)
        over = replace(item.incident, resolved_at=max(alert.at, item.incident.began_at))
        return IncidentNews(incident=over, alert=alert, change=IncidentChange.RESOLVED)

    def _put(self, item: _Open) -> None:
        key = self._keys[item.incident.id] = _key(item.incident)
        self._open[key] = item
        self._count(item.incident.category, 1)

    def _drop(self, item: _Open) -> None:
        del self._open[self._keys.pop(item.incident.id)]
        self._count(item.incident.category, -1)

    def _count(self, category: str, change: int) -> None:
        self._counts[category] += change
        if not self._counts[category]:
            del self._counts[category]


def told_again(incident: Incident) -> IncidentNews:
    """The beginning of an incident once more: the process before may have ended before it was told."""
    return IncidentNews(incident=incident, alert=_last(incident), change=IncidentChange.BEGAN)


def _key(told: Alert | Incident) -> _Key:
    return told.tenant, told.fingerprint


def _over_s(alert: Alert, now_s: float) -> float | None:
    return None if alert.expires_at is None else now_s + (alert.expires_at - alert.at).total_seconds()


def _last(incident: Incident) -> Alert:
    """The alert that an incident was told by last, as far as it says."""
    return Alert(
        at=incident.last_at,
        category=incident.category,
        severity=incident.severity,
        title=incident.title,
        fingerprint=incident.fingerprint,
        tenant=incident.tenant,
        details=incident.details,
    )


def _end(incident: Incident, at: datetime) -> Alert:
    return replace(_last(incident), at=at, resolved=True)


def _gone(incident: Incident, at: datetime) -> IncidentNews:
    over = replace(incident, resolved_at=at)
    return IncidentNews(incident=over, alert=_end(over, at), change=IncidentChange.RESOLVED)


def _too_many(alert: Alert) -> Alert:
    """An alert in whose place one is counted: it tells of the last."""
    return Alert(
        at=alert.at,
        category="incidents",
        severity=max(Severity.HIGH, alert.severity, key=lambda severity: severity.rank),
        title="Too many alerts are open: further ones are only counted",
        fingerprint=TOO_MANY,
        details={"category": alert.category, "severity": alert.severity.value, "title": alert.title},
        count=alert.count,
        expires_at=alert.at + timedelta(seconds=TOO_MANY_S),
    )
