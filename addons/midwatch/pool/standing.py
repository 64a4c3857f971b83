"""How the pool's plugins stand: which are asked, which are left alone for a while, which are disabled and why."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from midwatch.pool.errors import PoolError, ProcessLostError
from midwatch_core.breaker import Breaker, BreakerOpenError, BreakerState
from midwatch_core.children.errors import Ending
from midwatch_core.errors import PluginError
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.plugin_metrics import DISABLED, FAILING, ON_TRIAL
from midwatch_core.storage_settings import BreakerSettings

logger = logging.getLogger(__name__)

LOST = "midwatch_pool_lost_total"
METRICS = (
    MetricSpec(
        name=LOST,
        kind=MetricKind.COUNTER,
        help="Processes of the scan pool that ended early, by the plugin at work and the reason",
        labels=("plugin", "reason"),
    ),
)
# So many processes lost to one plugin, without a good answer of it between them, disable it.
STRIKES = 3


class Standing(StrEnum):
    """Whether a plugin is well, in trouble, or not asked any more."""

    OK = "ok"
    FAILING = "failing"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginState:
    """How a plugin stands, and why where it is not well."""

    standing: Standing
    why: str | None = None


@dataclass(slots=True)
class _Case:
    breaker: Breaker
    strikes: int = 0
    disabled: str | None = None
    trouble: str | None = None


class Standings:
    """One case a plugin, each with a breaker of these thresholds. `now` gives seconds that never step back."""

    def __init__(
        self,
        plugins: Iterable[str],
        *,
        breakers: BreakerSettings | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._breakers = breakers or BreakerSettings()
        self._cases = {name: self._new_case() for name in plugins}

    def asked(self) -> tuple[str, ...]:
        """The plugins that are not disabled."""
        return tuple(name for name, case in self._cases.items() if case.disabled is None)

    def disabled(self, plugin: str) -> PoolError | None:
        """Why a plugin is not asked any more, if so. Raises KeyError for one that is not of this pool."""
        why = self._cases[plugin].disabled
        return PoolError(plugin, f"disabled: {why}") if why is not None else None

    def refusal(self, plugin: str) -> PluginError | None:
        """Why a plugin is not asked now, if so; asked once before each call."""
        if error := self.disabled(plugin):
            return error
        if self._cases[plugin].breaker.allows(self._now()):
            return None
        return BreakerOpenError(plugin, "left alone for a while: it failed too often in a row")

    def answered(self, plugin: str, trouble: str | None) -> None:
        """An answer came: a good one, or an error or nonsense."""
        case = self._cases[plugin]
        case.trouble = trouble
        case.strikes = 0
        if trouble is None:
            case.breaker.succeeded()
            return
        before = case.breaker.state
        case.breaker.failed(self._now())
        if case.breaker.state is BreakerState.OPEN and before is not BreakerState.OPEN:
            logger.error("plugin %s is left alone for a while: %s", plugin, trouble)

    def lost(self, plugin: str, lost: ProcessLostError) -> None:
        """A process was lost to a plugin's call, or to its startup: that is not tried again."""
        case = self._cases[plugin]
        case.trouble = str(lost)
        case.strikes += 1
        case.breaker.failed(self._now())
        if lost.ending is Ending.START:
            self.disable(plugin, str(lost))
        elif case.strikes >= STRIKES:
            self.disable(plugin, f"{case.strikes} times in a row: {lost}")

    def disable(self, plugin: str, why: str) -> None:
        """Never ask it again, until `pardon`."""
        self._cases[plugin].disabled = why
        logger.error("plugin %s is disabled: %s. Reload or restart to try it again", plugin, why)

    def pardon(self) -> None:
        """Settings are new, perhaps plugins too: all begin anew."""
        self._cases = {name: self._new_case() for name in self._cases}

    def state(self, plugin: str) -> PluginState:
        """How a plugin stands. Raises KeyError for one that is not of this pool."""
        case = self._cases[plugin]
        if case.disabled is not None:
            return PluginState(standing=Standing.DISABLED, why=case.disabled)
        if case.trouble is not None:
            return PluginState(standing=Standing.FAILING, why=case.trouble)
        return PluginState(standing=Standing.OK)

    def report(self, metrics: Metrics) -> None:
        """Set the gauges that are declared in `midwatch_core.plugin_metrics`."""
        for name, case in self._cases.items():
            out = case.disabled is not None or case.breaker.state is BreakerState.OPEN
            metrics.set(FAILING, float(case.trouble is not None), (name,))
            metrics.set(DISABLED, float(out), (name,))
            metrics.set(ON_TRIAL, float(not out and case.breaker.state is BreakerState.HALF_OPEN), (name,))

    def _new_case(self) -> _Case:
        return _Case(breaker=Breaker.of(self._breakers))
