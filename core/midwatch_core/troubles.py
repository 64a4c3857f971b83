"""Troubles: what is wrong with an installation right now, and when that begins and ends. Counterpart: an alert."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from midwatch_core.breaker import SECURITY, STORE, BreakerState
from midwatch_core.model.finding import Severity

# The journal is filling from here on, and is well again below.
FILLING, DRAINED = 0.8, 0.7
# A store that is away for a shorter time is no news: the journal keeps meanwhile.
AWAY_S = 5.0
# So long after the last loss it is over.
LOSS_S = 300.0
# What workers have to tell when control is new to them is history, not news.
NEW_S = 5.0
# A plugin's hook that fails so often in a row is broken, whatever else of the plugin works.
FAILURES = 10
# A certificate expires soon from here on: there is time to tell all clients of the next one. Then there is little.
SOON_S, VERY_SOON_S = 30 * 86400.0, 7 * 86400.0
# Milder than a detector that is not asked: calls are looked at all the same.
_BROKEN = Severity.MEDIUM
# What happens to calls while a part's breaker is open.
_BYPASS = {
    STORE: "nothing is stored, the journal keeps",
    SECURITY: "a detector is not asked, and policy says whether calls pass without it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong. Equal `fingerprint`s are the same trouble; `category`, `title` as in `Alert`."""

    fingerprint: str
    category: str
    severity: Severity
    title: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A trouble that began, or got worse, or one that is over. `began` in the first two cases."""

    trouble: Trouble
    began: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """When a certificate expires, and in how many seconds that is: less than none where it has."""

    at: datetime
    left_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How an installation is at one moment.

    `breakers` by part (`store`, `security`). `dropped` counts the exchanges lost to a full disk, ever. `disabled` are
    the plugins that are not asked any more, each with why; `on_trial` those that are asked again, a few times;
    `failing` those with a hook that failed FAILURES times in a row or more, each with which and why. `refused` are
    packs of rules that can't be used as they are, each with why. `degraded` are the workers that die again and again.
    `turned_away` counts the client connections of the last minute that there was no room for, `waiting` the addresses
    that tried too many wrong keys and must wait now.
    `ca` is our CA's certificate, None where not known;
    `next_ca` that of the one which takes over at `next_ca_from`.
    """

    breakers: Mapping[str, BreakerState] = field(default_factory=dict)
    store_available: bool = True
    journal_bytes: int = 0
    journal_max_bytes: int = 0
    dropped: int = 0
    disabled: Mapping[str, str] = field(default_factory=dict)
    on_trial: frozenset[str] = frozenset()
    failing: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    degraded: Sequence[str] = ()
    turned_away: int = 0
    waiting: int = 0
    ca: Expiry | None = None
    next_ca: Expiry | None = None
    next_ca_from: datetime | None = None


class Troubles:
    """A pure state machine: conditions in, changes out. A trouble begins once, and ends before it begins again.

    It may get worse meanwhile, and is told then as it is now; it never gets milder before its end. What hovers at an
    edge is settled here: an open breaker is in trouble until it is closed, a plugin until its trial is over, a journal
    that is filling until it has drained.
    """

    def __init__(self) -> None:
        self._current: dict[str, Trouble] = {}
        self._begun_s: float | None = None
        self._dropped = 0
        self._dropped_at_s: float | None = None
        self._away_since_s: float | None = None

    @property
    def current(self) -> tuple[Trouble, ...]:
        """What is wrong now, the oldest first."""
        return tuple(self._current.values())

    def look(self, condition: Condition, now_s: float) -> tuple[Change, ...]:
        """What began, got worse and ended since the last look. `now_s` is a clock that never steps back."""
        found = {trouble.fingerprint: trouble for trouble in self._found(condition, now_s)}
        ended = [trouble for key, trouble in self._current.items() if key not in found]
        began = [trouble for key, trouble in found.items() if _is_news(trouble, self._current.get(key))]
        for trouble in ended:
            del self._current[trouble.fingerprint]
        self._current |= {trouble.fingerprint: trouble for trouble in began}
        return (
            *(Change(trouble=trouble, began=False) for trouble in ended),
            *(Change(trouble=trouble, began=True) for trouble in began),
        )

    def _found(self, condition: Condition, now_s: float) -> Iterator[Trouble]:
        yield from self._breakers(condition.breakers)
        yield from self._store(condition, now_s)
        yield from self._filling(condition)
        yield from self._losses(condition, now_s)
        yield from self._plugins(condition)
        yield from _packs(condition.refused)
        yield from _workers(condition.degraded)
        yield from _edges(condition)
        yield from _certificates(condition)

    def _breakers(self, breakers: Mapping[str, BreakerState]) -> Iterator[Trouble]:
        for part, state in breakers.items():
            known = f"breaker:{part}"
            if state is BreakerState.OPEN or (state is BreakerState.HALF_OPEN and known in self._current):
                yield Trouble(
                    fingerprint=known,
                    category="breaker",
                    severity=Severity.HIGH,
                    title=f"The {part} breaker is open: {_BYPASS.get(part, 'it is left alone for a while')}",
                    details={"part": part},
                )

    def _store(self, condition: Condition, now_s: float) -> Iterator[Trouble]:
        if condition.store_available:
            self._away_since_s = None
            return
        since_s = self._away_since_s = now_s if self._away_since_s is None else self._away_since_s
        if now_s - since_s >= AWAY_S:
            yield Trouble(
                fingerprint="store:unavailable",
                category="store",
                severity=Severity.HIGH,
                title="The store is unavailable: the journal keeps",
            )

    def _filling(self, condition: Condition) -> Iterator[Trouble]:
        edge = DRAINED if "journal:filling" in self._current else FILLING
        if condition.journal_max_bytes and condition.journal_bytes >= edge * condition.journal_max_bytes:
            yield Trouble(
                fingerprint="journal:filling",
                category="journal",
                severity=Severity.HIGH,
                title="The journal is filling: texts are left out when it is full",
                details={"bytes": str(condition.journal_bytes), "max_bytes": str(condition.journal_max_bytes)},
            )

    def _losses(self, condition: Condition, now_s: float) -> Iterator[Trouble]:
        begun_s = self._begun_s = now_s if self._begun_s is None else self._begun_s
        if condition.dropped > self._dropped and now_s - begun_s >= NEW_S:
            self._dropped_at_s = now_s
        self._dropped = condition.dropped  # a count that begins anew is no loss
        if self._dropped_at_s is not None and now_s - self._dropped_at_s < LOSS_S:
            yield Trouble(
                fingerprint="journal:dropped",
                category="journal",
                severity=Severity.CRITICAL,
                title="Exchanges are lost: the disk is full",
                details={"dropped": str(condition.dropped)},
            )

    def _plugins(self, condition: Condition) -> Iterator[Trouble]:
        for plugin, why in condition.disabled.items():
            yield _plugin(plugin, why, f"Plugin {plugin} is not asked any more", Severity.HIGH)
        for plugin in sorted(condition.on_trial - condition.disabled.keys()):
            if known := self._current.get(f"plugin:{plugin}"):
                yield known
        for plugin in sorted(condition.failing.keys() - condition.disabled.keys() - condition.on_trial):
            yield _plugin(
                plugin, condition.failing[plugin], f"A hook of plugin {plugin} fails whenever it is called", _BROKEN
            )


def _is_news(found: Trouble, known: Trouble | None) -> bool:
    return known is None or found.severity.rank > known.severity.rank


def _plugin(plugin: str, why: str, title: str, severity: Severity) -> Trouble:
    return Trouble(
        fingerprint=f"plugin:{plugin}",
        category="plugin",
        severity=severity,
        title=title,
        details={"plugin": plugin, "why": why},
    )


def _packs(refused: Mapping[str, str]) -> Iterator[Trouble]:
    for pack, why in refused.items():
        yield Trouble(
            fingerprint=f"pack:{pack}",
            category="pack",
            severity=Severity.HIGH,
            title=f"The pack of rules {pack} is refused: its last good version is used, if there is one",
            details={"pack": pack, "why": why},
        )


def _workers(degraded: Sequence[str]) -> Iterator[Trouble]:
    for worker in degraded:
        yield Trouble(
            fingerprint=f"worker:{worker}",
            category="worker",
            severity=Severity.HIGH,
            title=f"Worker {worker} dies again and again: what is in flight on it fails each time",
            details={"worker": worker},
        )


def _certificates(condition: Condition) -> Iterator[Trouble]:
    """Of the CA that signs, unless the next one takes over before its end; and of that next one."""
    at = condition.next_ca_from
    if condition.ca is not None and not (at is not None and at < condition.ca.at and condition.ca.left_s > 0):
        told = {"next": f"takes over {at.isoformat(timespec='minutes')}"} if at is not None else {}
        yield from _certificate("The CA's certificate", "certificate:ca", condition.ca, told)
    if condition.next_ca is not None:
        yield from _certificate("The next CA's certificate", "certificate:next-ca", condition.next_ca, {})


def _certificate(whose: str, fingerprint: str, expiry: Expiry, told: Mapping[str, str]) -> Iterator[Trouble]:
    """One trouble that gets worse as the day comes nearer."""
    if expiry.left_s > SOON_S:
        return
    if expiry.left_s <= 0:
        severity, title = Severity.CRITICAL, f"{whose} has expired: clients refuse what is decrypted"
    elif expiry.left_s <= VERY_SOON_S:
        severity, title = Severity.HIGH, f"{whose} expires within a week"
    else:
        severity, title = Severity.MEDIUM, f"{whose} expires within 30 days"
    yield Trouble(
        fingerprint=fingerprint,
        category="certificate",
        severity=severity,
        title=title,
        details={"expires": expiry.at.isoformat(timespec="minutes"), **told},
    )


def _edges(condition: Condition) -> Iterator[Trouble]:
    if condition.turned_away:
        yield Trouble(
            fingerprint="edge:crowd",
            category="edge",
            severity=Severity.HIGH,
            title="Client connections are turned away: there are more than there is room for",
            details={"last_minute": str(condition.turned_away)},
        )
    if condition.waiting:
        yield Trouble(
            fingerprint="edge:wrong_keys",
            category="edge",
            severity=Severity.MEDIUM,
            title="Somebody tries keys: addresses with too many wrong ones must wait",
            details={"addresses": str(condition.waiting)},
        )
