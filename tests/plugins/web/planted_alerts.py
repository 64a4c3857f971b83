"""Alerts that name their tenant wherever anything of them is shown, and are hostile."""

from midwatch_core.model.alert import Alert
from midwatch_core.model.finding import Severity
from tests.plugins.web.conftest import NOW
from tests.plugins.web.planted_calls import ATTACK, LONG


def alert_of(tenant: str) -> Alert:
    """What goes on of a tenant; another each time it is asked for another name."""
    return Alert(
        at=NOW,
        category="anomaly",
        severity=Severity.HIGH,
        title=f"word-{tenant} {ATTACK} {LONG}",
        fingerprint=f"anomaly:word-{tenant}:{ATTACK}",
        tenant=tenant,
        details={"agent": f"agent-{tenant} {ATTACK}", "value": f"user-{tenant}", LONG: LONG, ATTACK: ATTACK},
    )


def house_alert() -> Alert:
    """What goes on of the installation as a whole: it names no tenant."""
    return Alert(
        at=NOW,
        category="store",
        severity=Severity.CRITICAL,
        title=f"the store is away {ATTACK} {LONG}",
        fingerprint=f"store:away {ATTACK}",
        details={"why": f"{ATTACK} {LONG}"},
    )
