"""The inventory: how sightings are added up, read and forgotten."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import batched
from typing import Any

from midwatch_core import Scope, Seen, Sighting, dump_json, microseconds, moment_of, sum_sightings
from midwatch_sql.columns import SIGHTINGS, names
from midwatch_sql.dialogue import Dialogue, Statement, chosen
from midwatch_sql.metadata_scope import check_limit, holding, within
from midwatch_sql.moments import optional_microseconds

# Below the number of values that any build of SQLite takes in one statement (999).
_ROWS = 999 // len(SIGHTINGS)
_NAMES = tuple(column.name for column in SIGHTINGS)
_LATER = "excluded.last_at >= sightings.last_at"
_CHANGES = {
    "first_at": "CASE WHEN excluded.first_at < sightings.first_at THEN excluded.first_at ELSE sightings.first_at END",
    **{
        name: f"CASE WHEN {_LATER} THEN excluded.{name} ELSE sightings.{name} END"
        for name in ("last_at", "provider", "known")
    },
    **{name: f"sightings.{name} + excluded.{name}" for name in ("connections", "calls")},
}
_ADD_UP = "ON CONFLICT (alike) DO UPDATE SET " + ", ".join(f"{name} = {what}" for name, what in _CHANGES.items())


def sight(sightings: Sequence[Sighting]) -> Dialogue[None]:
    """Add sightings to those that are alike. No statement names a row twice: PostgreSQL refuses that."""
    for rows in batched(_rows(sightings), _ROWS):
        values = {f"{name}_{place}": row[name] for place, row in enumerate(rows) for name in _NAMES}
        marks = ", ".join(f"({', '.join(f':{name}_{place}' for name in _NAMES)})" for place in range(len(rows)))
        sql = f"INSERT INTO sightings ({names(SIGHTINGS)}) VALUES {marks} {_ADD_UP}"  # noqa: S608  # names of ours
        yield Statement(sql=sql, values=values)


def _rows(sightings: Sequence[Sighting]) -> Iterator[dict[str, Any]]:
    for likeness, sighting in sum_sightings(sightings).items():
        values = {name: getattr(sighting, name) for name in _NAMES[1:]}
        yield values | {
            "alike": hashlib.blake2b(dump_json(likeness), digest_size=16).hexdigest(),
            "seen": sighting.seen.value,
            "first_at": microseconds(sighting.first_at),
            "last_at": microseconds(sighting.last_at),
        }


def sightings(scope: Scope, since: datetime | None, limit: int) -> Dialogue[Sequence[Sighting]]:
    """Those in scope whose last moment is not before `since`, newest first."""
    check_limit(limit, "sightings")
    condition, values = within(scope)
    if since is not None:
        condition, values = f"{condition} AND last_at >= :since", {**values, "since": microseconds(since)}
    sql = f"{chosen('sightings', SIGHTINGS)} WHERE {condition} ORDER BY last_at DESC, alike LIMIT :limit"
    rows = yield Statement(sql=sql, values={"limit": limit, **values})
    return [_sighting(row) for row in rows]


def _sighting(row: Sequence[Any]) -> Sighting:
    fields = dict(zip(_NAMES[1:], row[1:], strict=True))
    fields["seen"] = Seen(fields["seen"])
    fields["known"] = bool(fields["known"])
    fields["first_at"], fields["last_at"] = moment_of(fields["first_at"]), moment_of(fields["last_at"])
    return Sighting(**fields)


def forget_sightings(before: datetime | None, tenant: str | None, client: str | None) -> Dialogue[int]:
    """Forget those of which all that is given holds; how many went."""
    asked = {
        "last_at < :before": optional_microseconds(before),
        "tenant = :tenant": tenant,
        "client = :client": client,
    }
    condition, values = holding(asked)
    which = f"FROM sightings WHERE {condition}"
    ((count,),) = yield Statement(sql=f"SELECT count(*) {which}", values=values)
    yield Statement(sql=f"DELETE {which}", values=values)
    return int(count)
