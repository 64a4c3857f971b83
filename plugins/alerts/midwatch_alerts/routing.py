"""Routing: which channels an incident goes to, by the routes of the settings. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from midwatch_alerts.settings import Route, Settings
from midwatch_core import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One channel to tell, and who is told `after_s` later where nobody acknowledged."""

    channel: str
    escalate_to: tuple[str, ...] = ()
    after_s: float = 0.0


def steps_of(settings: Settings, incident: Incident) -> list[Step]:
    """Where an incident goes: each channel once, by the first route that names it."""
    if not settings.routes:
        return [Step(channel=channel.name) for channel in settings.channels]
    found: dict[str, Step] = {}
    for route in _fitting(settings.routes, incident):
        for channel in route.channels:
            step = Step(channel=channel, escalate_to=route.escalate_to, after_s=route.after_s)
            found.setdefault(channel, step)
    return list(found.values())


def _fitting(routes: tuple[Route, ...], incident: Incident) -> Iterator[Route]:
    for route in routes:
        if _fits(route, incident):
            yield route
            if not route.go_on:
                return


def _fits(route: Route, incident: Incident) -> bool:
    return (
        incident.severity.rank >= route.severity.rank
        and route.category in (None, incident.category)
        and route.tenant in (None, incident.tenant)
    )
