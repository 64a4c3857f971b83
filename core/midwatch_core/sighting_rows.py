"""Sightings as JSON values: what workers tell control, and the rows of `hosts --json` and of the REST API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.sighting import Seen, Sighting

_TEXTS = ("provider", "client", "app", "user_agent", "process", "container")
_MAX_TEXT = 300


def sighting_row(sighting: Sighting) -> dict[str, Json]:
    """A sighting by its stable keys; moments are ISO 8601."""
    return {
        "host": sighting.host,
        "provider": sighting.provider,
        "known": sighting.known,
        "seen": sighting.seen.value,
        "tenant": sighting.tenant,
        "client": sighting.client,
        "app": sighting.app,
        "user_agent": sighting.user_agent,
        "process": sighting.process,
        "container": sighting.container,
        "connections": sighting.connections,
        "calls": sighting.calls,
        "first_at": sighting.first_at.isoformat(),
        "last_at": sighting.last_at.isoformat(),
    }


def sighting_of(row: Mapping[str, Any]) -> Sighting:
    """The sighting of a row. Raises KeyError, TypeError, ValueError or AttributeError where it is none."""
    return Sighting(
        host=_text(row["host"]),
        tenant=_text(row["tenant"]),
        seen=Seen(row["seen"]),
        first_at=_moment(row["first_at"]),
        last_at=_moment(row["last_at"]),
        known=bool(row["known"]),
        connections=_count(row["connections"]),
        calls=_count(row["calls"]),
        **{name: None if row[name] is None else _text(row[name]) for name in _TEXTS},
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is no text")
    return value[:_MAX_TEXT]


def _moment(value: Any) -> datetime:
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return at


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 53:
        raise ValueError(f"{value!r} is no count")
    return value
