"""Budgets that workers saw reach a mark, as alerts; the other side is `proxy.crossing_report`."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from midwatch_core.clock import Clock
from midwatch_core.model.alert import Alert
from midwatch_core.model.finding import Severity

logger = logging.getLogger(__name__)
_SEVERITIES = {50: Severity.INFO, 80: Severity.MEDIUM}


class BudgetAlerts:
    """Raises an alert for each mark a budget reaches; it is over with the budget's period."""

    def __init__(self, raise_alert: Callable[[Alert], None], clock: Clock) -> None:
        self._raise = raise_alert
        self._clock = clock

    def take(self, crossings: Iterable[Mapping[str, Any]]) -> None:
        """Crossings came with a heartbeat; what is none is left out."""
        for crossing in crossings:
            try:
                alert = alert_of(crossing, self._clock.now())
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                logger.error("a worker told of a budget in words nobody knows: %r", error)
                continue
            self._raise(alert)


def alert_of(crossing: Mapping[str, Any], at: datetime) -> Alert:
    """The alert of one crossing. Raises KeyError, TypeError, ValueError or AttributeError where it is none."""
    rule, percent, values = str(crossing["rule"]), int(crossing["percent"]), crossing["values"]
    whose = ", ".join(f"{name} {value}" for name, value in values.items())
    kind = "hard" if crossing["hard"] else "soft"
    return Alert(
        at=at,
        category="budget",
        severity=_SEVERITIES.get(percent, Severity.HIGH),
        title=f"Budget {rule}: {percent} % of {crossing['usd']} USD a {crossing['period']}"
        + (f" ({whose})" if whose else ""),
        fingerprint=f"budget:{crossing['tenant']}:{rule}:{whose}:{percent}:{crossing['ends']}",
        tenant=str(crossing["tenant"]),
        details={"rule": rule, "kind": kind, "percent": str(percent), "ends": str(crossing["ends"]), **values},
        expires_at=datetime.fromisoformat(crossing["ends"]),
    )
