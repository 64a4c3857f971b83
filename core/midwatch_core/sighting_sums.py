"""Sightings added up: which are alike, and what several of them come to. Every store of the inventory does it so."""

from collections.abc import Iterable
from dataclasses import replace

from midwatch_core.cursor import microseconds
from midwatch_core.model.sighting import Sighting

type Likeness = tuple[str | None, ...]


def likeness(sighting: Sighting) -> Likeness:
    """What tells sightings apart: those with an equal likeness are one line of the inventory."""
    return (
        sighting.host,
        sighting.tenant,
        sighting.seen.value,
        sighting.client,
        sighting.app,
        sighting.user_agent,
        sighting.process,
        sighting.container,
    )


def sum_sightings(sightings: Iterable[Sighting]) -> dict[Likeness, Sighting]:
    """One sighting for all that are alike, by their likeness. Raises StorageError for a moment without a time zone."""
    sums: dict[Likeness, Sighting] = {}
    for sighting in sightings:
        for moment in (sighting.first_at, sighting.last_at):
            microseconds(moment)
        key = likeness(sighting)
        sums[key] = _sum(sums[key], sighting) if key in sums else sighting
    return sums


def _sum(one: Sighting, other: Sighting) -> Sighting:
    """Both as one; what neither count nor moment tells is the newer's, of equally new ones the other's."""
    newer = other if other.last_at >= one.last_at else one
    return replace(
        newer,
        first_at=min(one.first_at, other.first_at),
        connections=one.connections + other.connections,
        calls=one.calls + other.calls,
    )
