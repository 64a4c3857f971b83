"""The alerts that are not over, as this process knows them: for the badge of the navigation, and for the overview."""

from collections.abc import Sequence

from midwatch_core import Caller, Host, Incident, IncidentState


def current_alerts(host: Host, caller: Caller) -> list[Incident]:
    """What goes on in the caller's scope, the oldest first; the installation's own only in a scope of all."""
    if host.alerts is None:
        return []
    scope = caller.scope
    return [
        one
        for one in host.alerts.open()
        if scope.tenants is None or (one.tenant is not None and scope.allows(one.tenant))
    ]


def untaken(alerts: Sequence[Incident]) -> list[Incident]:
    """Those that nobody has taken on, the gravest first."""
    found = [one for one in alerts if one.state is IncidentState.OPEN]
    return sorted(found, key=lambda one: (-one.severity.rank, one.began_at))
