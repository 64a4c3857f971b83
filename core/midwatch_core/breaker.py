"""A breaker: what failed too often in a row is left alone for a while, then tried with a few probes."""

from collections.abc import Iterable
from enum import StrEnum

from midwatch_core.errors import PluginError
from midwatch_core.storage_settings import BreakerSettings

# The parts that have breakers, as metrics, health and alerts call them.
STORE, SECURITY = "store", "security"


class BreakerState(StrEnum):
    """Closed lets everything through, open nothing, half-open a few probes."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"

    @property
    def level(self) -> int:
        """As a metric shows it: 0 closed, 1 half-open, 2 open."""
        return (BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN).index(self)


def worst(states: Iterable[BreakerState]) -> BreakerState:
    """What several breakers come to: open where any is, closed where all are."""
    return max(states, key=lambda state: state.level, default=BreakerState.CLOSED)


class BreakerOpenError(PluginError):
    """A plugin was not asked: it failed too often, and is left alone for now."""


class Breaker:
    """Opens after `failures` in a row, for `open_s` seconds; then `probes` calls in a row must succeed to close it.

    A pure state machine: ask `allows` before a call, tell `succeeded` or `failed` after it. `now_s` is a clock that
    never steps back. Where several calls run at once, those of before the opening change nothing while it is open.
    """

    __slots__ = ("_failures", "_good", "_granted", "_open_s", "_probes", "_row", "_state", "_until_s")

    def __init__(self, *, failures: int = 10, open_s: float = 30.0, probes: int = 3) -> None:
        if failures < 1 or probes < 1 or open_s < 0:
            raise ValueError("a breaker needs at least one failure, one probe, and no negative time")
        self._failures = failures
        self._open_s = open_s
        self._probes = probes
        self._state = BreakerState.CLOSED
        self._row = 0
        self._granted = 0
        self._good = 0
        self._until_s = 0.0

    @classmethod
    def of(cls, settings: BreakerSettings) -> "Breaker":
        """A breaker with the configuration's thresholds."""
        return cls(failures=settings.failures, open_s=settings.open_s, probes=settings.probes)

    @property
    def state(self) -> BreakerState:
        """As the last question or answer left it: an open one turns half-open when it is next asked."""
        return self._state

    @property
    def in_a_row(self) -> int:
        """Failures since the last success."""
        return self._row

    @property
    def untroubled(self) -> bool:
        """Closed, and the last call went well: another success changes nothing."""
        return self._row == 0 and self._state is BreakerState.CLOSED

    def allows(self, now_s: float) -> bool:
        """Whether a call may be made now. In half-open state, a yes is one of the probes."""
        if self._state is BreakerState.CLOSED:
            return True
        if now_s >= self._until_s:
            # Open for long enough; or half-open with probes that never came back: others may go.
            self._state = BreakerState.HALF_OPEN
            self._granted = self._good
            self._until_s = now_s + self._open_s
        if self._state is BreakerState.OPEN or self._granted >= self._probes:
            return False
        self._granted += 1
        return True

    def wait_s(self, now_s: float) -> float:
        """Seconds until asking makes sense again: 0 where it does now."""
        return max(0.0, self._until_s - now_s) if self._state is BreakerState.OPEN else 0.0

    def succeeded(self) -> None:
        """A call went well."""
        if self._state is BreakerState.OPEN:
            return
        self._row = 0
        if self._state is BreakerState.HALF_OPEN:
            self._good += 1
            if self._good >= self._probes:
                self._state = BreakerState.CLOSED

    def failed(self, now_s: float) -> None:
        """A call went wrong."""
        if self._state is BreakerState.OPEN:
            return
        self._row += 1
        if self._state is BreakerState.HALF_OPEN or self._row >= self._failures:
            self._state = BreakerState.OPEN
            self._until_s = now_s + self._open_s
            self._good = 0
