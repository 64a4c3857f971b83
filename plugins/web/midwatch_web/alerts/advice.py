"""What to do about an alert, and where in the console to look: by its category."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from midwatch_core import Incident

ADVICE: Mapping[str, str] = {
    "anomaly": "See which calls these were, who made them, and whether they were meant. A budget or a limit stops what "
    "goes on.",
    "breaker": "What stands behind it does not answer, or not in time; it is tried again by itself. If that does not "
    "help, look into the log.",
    "budget": "Find out who spends, or raise the budget. A hard one refuses calls at 100 %, until its period ends.",
    "certificate": "Make the next one (`ca rotate`) and hand it out in time: what an expired one signed is refused.",
    "edge": "See in the log who it is: strangers are turned away by themselves, friends need more room or a new key.",
    "finding": "Read the findings and judge them. Where they are right, let the policy act on what the rule finds.",
    "incidents": "More goes wrong at once than is told apart: begin with the gravest.",
    "journal": "Make room on the disk, and see that the store keeps up: what does not fit is left out.",
    "pack": "Its rules do not run, or an older version of them does. Put it in order, then reload.",
    "plugin": "What it looks for is not looked for until it works again: the log says why it failed.",
    "store": "Bring it back: what the journal keeps meanwhile is stored then, by itself.",
    "worker": "The log says how it died. Calls go to the others meanwhile; where one call kills each, find that call.",
}
CATEGORIES = tuple(ADVICE)

# What a detail of this name narrows lists of calls, costs and findings by.
_NARROWING = ("app", "agent", "model")
_OF_THE_HOUSE: Mapping[str, tuple[str, str]] = {
    "breaker": ("System", "/system"),
    "certificate": ("System", "/system"),
    "edge": ("System", "/system"),
    "journal": ("System", "/system"),
    "pack": ("Rules", "/rules"),
    "plugin": ("Plugins", "/plugins"),
    "store": ("System", "/system"),
    "worker": ("System", "/system"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A page that tells more."""

    title: str
    address: str


def places_of(incident: Incident, *, whole: bool) -> list[Place]:
    """Where to look; pages of the installation only for who sees the `whole` of it."""
    return list(_places(incident, whole))


def _places(incident: Incident, whole: bool) -> Iterator[Place]:
    details = incident.details
    if incident.category == "finding":
        yield Place(title="Its findings", address=_findings(incident))
    if incident.category == "budget":
        yield Place(title="Budgets and limits", address="/costs/budgets")
    if exchange := details.get("exchange"):
        yield Place(title="Its last call", address=f"/exchanges/{quote(exchange, safe='')}")
    if trace := details.get("trace"):
        yield Place(title="Its conversation", address=f"/traces/{quote(trace, safe='')}")
    if incident.tenant is not None and incident.category in ("anomaly", "budget", "finding"):
        yield Place(title="Calls", address=f"/calls{_narrowed(incident)}")
        yield Place(title="Costs", address=f"/costs{_narrowed(incident)}")
    if whole and (place := _OF_THE_HOUSE.get(incident.category)):
        yield Place(title=place[0], address=place[1])


def _findings(incident: Incident) -> str:
    return "/findings" + _query({"category": incident.details.get("found"), "tenant": incident.tenant, "state": "all"})


def _narrowed(incident: Incident) -> str:
    """As narrow as the alert tells; a budget's names are those it is counted by."""
    return _query({"tenant": incident.tenant, **{name: incident.details.get(name) for name in _NARROWING}})


def _query(values: Mapping[str, str | None]) -> str:
    return "?" + urlencode({name: value for name, value in values.items() if value}, errors="replace")
