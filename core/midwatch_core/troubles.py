"""Troubles: what is wrong with an installation right now, and when that begins and ends. Counterpart: an alert."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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
    """A trouble that began, or one that is over."""

    trouble: Trouble
    began: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How an installation is at one moment.

    `breakers` by part (`store`, `security`). `dropped` counts the exchanges lost to a full disk, ever. `disabled` are
    the plugins that are not asked any more, each with why; `on_trial` those that are asked again, a few times.
    """

    breakers: Mapping[str, BreakerState] = field(default_factory=dict)
    store_available: bool = True
    journal_bytes: int = 0
    journal_max_bytes: int = 0
    dropped: int = 0
    disabled: Mapping[str, str] = field(default_factory=dict)
    on_trial: frozenset[str] = frozenset()


class Troubles:
    """A pure state machine: conditions in, changes out. A trouble begins once, and ends before it begins again.

    What hovers at an edge is settled here: an open breaker is in trouble until it is closed, a plugin until its trial
    is over, a journal that is filling until it has drained.
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
        """What began and what ended since the last look. `now_s` is a clock that never steps back."""
        found = {trouble.fingerprint: trouble for trouble in self._found(condition, now_s)}
        ended = [trouble for key, trouble in self._current.items() if key not in found]
        began = [trouble for key, trouble in found.items() if key not in self._current]
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

    def _breakers(self, breakers: Mapping[str, BreakerState]) -> Iterator[Trouble]:
        for part, state in breakers.items():
            known = f"breaker:{part}"
            if state is BreakerState.OPEN or (state is BreakerState.HALF_OPEN and known in self._current):
                yield Trouble(
                    fingerprint=known,
                    category="breaker",
                    severity=Severity.HIGH,
                    title=f"the {part} breaker is open: {_BYPASS.get(part, 'it is left alone for a while')}",
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
                title="the store is unavailable: the journal keeps",
            )

    def _filling(self, condition: Condition) -> Iterator[Trouble]:
        edge = DRAINED if "journal:filling" in self._current else FILLING
        if condition.journal_max_bytes and condition.journal_bytes >= edge * condition.journal_max_bytes:
            yield Trouble(
                fingerprint="journal:filling",
                category="journal",
                severity=Severity.HIGH,
                title="the journal is filling: texts are left out when it is full",
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
                title="exchanges are lost: the disk is full",
                details={"dropped": str(condition.dropped)},
            )

    def _plugins(self, condition: Condition) -> Iterator[Trouble]:
        for plugin, why in condition.disabled.items():
            yield Trouble(
                fingerprint=f"plugin:{plugin}",
                category="plugin",
                severity=Severity.HIGH,
                title=f"plugin {plugin} is not asked any more",
                details={"plugin": plugin, "why": why},
            )
        for plugin in sorted(condition.on_trial - condition.disabled.keys()):
            if known := self._current.get(f"plugin:{plugin}"):
                yield known
