"""The installation as the system's page shows it: its parts as lines, its settings as a table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson

from midwatch_core import Json

_LONGEST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A part: what it is called, how it is, and how that looks: good, odd, bad or (nothing to judge) quiet."""

    name: str
    says: str
    look: str = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting: its place, its value as JSON, and who said it; None where it is a default."""

    place: str
    value: str
    said_by: str | None


_BREAKERS = {"closed": "good", "half_open": "odd", "open": "bad"}


def parts_of(system: Mapping[str, Json]) -> Iterator[Line]:
    """The house in lines."""
    ready = bool(system.get("ready"))
    yield Line(name="Ready", says="yes" if ready else "no", look="good" if ready else "bad")
    if "workers" in system:
        yield _workers(system)
    store = str(system.get("store", "–"))
    yield Line(name="Store", says=store, look="good" if store == "available" else "bad")
    for name, state in _mapping(system.get("breakers")).items():
        yield Line(
            name=f"Breaker of {name}", says=_plain(state).replace("_", " "), look=_BREAKERS.get(str(state), "odd")
        )
    for name in ("listen", "console", "config_file"):
        if said := system.get(name):
            yield Line(name={"listen": "Proxy", "console": "Console", "config_file": "Settings"}[name], says=str(said))


def journal_of(system: Mapping[str, Json]) -> list[tuple[str, int]]:
    """The journal's counts, in words; empty where this process has none."""
    return [(name.replace("_", " "), int(str(count))) for name, count in _mapping(system.get("journal")).items()]


def settings_of(document: Mapping[str, Json]) -> list[Setting]:
    """Every setting on a line of its own; lists are one."""
    said_by = _mapping(document["said_by"])
    return [
        Setting(place=place, value=_plain(value)[:_LONGEST], said_by=_origin(place, said_by))
        for place, value in _leaves(_mapping(document["settings"]), "")
    ]


def _leaves(settings: Mapping[str, Json], before: str) -> Iterator[tuple[str, Json]]:
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _origin(place: str, said_by: Mapping[str, Json]) -> str | None:
    """Who said a setting, or something above it."""
    while place:
        if place in said_by:
            return str(said_by[place])
        place = place.rpartition(".")[0]
    return None


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _workers(system: Mapping[str, Json]) -> Line:
    degraded = system.get("workers_degraded")
    says, bad = str(system["workers"]), not system["workers"]
    if isinstance(degraded, list) and degraded:
        says, bad = f"{says}; dying again and again: {', '.join(map(str, degraded))}", True
    return Line(name="Workers", says=says, look="bad" if bad else "good")


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
