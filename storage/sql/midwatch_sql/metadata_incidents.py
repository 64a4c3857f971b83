"""Incidents: how they are merged, read and forgotten."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from midwatch_core import (
    Incident,
    IncidentFilter,
    IncidentPage,
    IncidentState,
    Scope,
    Severity,
    decode_cursor,
    encode_cursor,
    microseconds,
    moment_of,
)
from midwatch_sql.columns import INCIDENTS, names
from midwatch_sql.dialogue import Dialogue, Statement, chosen, insert
from midwatch_sql.metadata_scope import check_limit, holding, within
from midwatch_sql.moments import optional_microseconds, optional_moment

_SEVERITIES = {severity.rank: severity for severity in Severity}
_LATER = "excluded.last_at >= incidents.last_at"
_GREATER = "CASE WHEN excluded.{0} > incidents.{0} THEN excluded.{0} ELSE incidents.{0} END"
# As `merge_incidents` does it, in the one statement that keeps it.
_CHANGES = {
    **{
        column.name: f"CASE WHEN {_LATER} THEN excluded.{column.name} ELSE incidents.{column.name} END"
        for column in INCIDENTS
        if not column.key
    },
    **{name: _GREATER.format(name) for name in ("severity", "count", "last_at")},
    **{
        name: f"CASE WHEN incidents.acknowledged_at IS NULL THEN excluded.{name} ELSE incidents.{name} END"
        for name in ("acknowledged_at", "acknowledged_by")
    },
    "resolved_at": "coalesce(incidents.resolved_at, excluded.resolved_at)",
}
_KEEP = (
    f"{insert('incidents', INCIDENTS)} ON CONFLICT (id) DO UPDATE SET "
    f"{', '.join(f'{name} = {what}' for name, what in _CHANGES.items())} RETURNING {names(INCIDENTS)}"
)
_IN_STATE: Mapping[IncidentState, str] = {
    IncidentState.OPEN: "(resolved_at IS NULL AND acknowledged_at IS NULL)",
    IncidentState.ACKNOWLEDGED: "(resolved_at IS NULL AND acknowledged_at IS NOT NULL)",
    IncidentState.RESOLVED: "(resolved_at IS NOT NULL)",
}
# An OR would keep databases from the index that has these together.
_GOING_ON = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED})


def keep_incident(incident: Incident) -> Dialogue[Incident]:
    """Merge an incident with the one of its id; how it stands now."""
    values = {
        "id": incident.id,
        "fingerprint": incident.fingerprint,
        "tenant": incident.tenant,
        "category": incident.category,
        "severity": incident.severity.rank,
        "title": incident.title,
        "began_at": microseconds(incident.began_at),
        "last_at": microseconds(incident.last_at),
        "count": incident.count,
        "details": orjson.dumps(dict(incident.details)).decode(),
        "acknowledged_at": optional_microseconds(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_by,
        "resolved_at": optional_microseconds(incident.resolved_at),
    }
    (row,) = yield Statement(sql=_KEEP, values=values)
    return _incident(row)


def incident(scope: Scope, incident_id: str) -> Dialogue[Incident | None]:
    """One incident in scope."""
    condition, values = within(scope)
    sql = f"{chosen('incidents', INCIDENTS)} WHERE id = :id AND {condition}"
    rows = yield Statement(sql=sql, values={"id": incident_id, **values})
    return _incident(rows[0]) if rows else None


def incidents(scope: Scope, wanted: IncidentFilter, limit: int, cursor: str | None) -> Dialogue[IncidentPage]:
    """A page of incidents in scope, the last begun first."""
    check_limit(limit, "incidents")
    condition, values = _wanted(scope, wanted, cursor)
    sql = f"{chosen('incidents', INCIDENTS)} WHERE {condition} ORDER BY began_at DESC, id DESC LIMIT :limit"
    rows = yield Statement(sql=sql, values={**values, "limit": limit + 1})
    found = [_incident(row) for row in rows[:limit]]
    more = len(rows) > limit
    return IncidentPage(incidents=found, cursor=encode_cursor(found[-1].began_at, found[-1].id) if more else None)


def _wanted(scope: Scope, wanted: IncidentFilter, cursor: str | None) -> tuple[str, dict[str, Any]]:
    seen, values = within(scope)
    asked = {
        "last_at >= :since": optional_microseconds(wanted.since),
        "tenant = :tenant": wanted.tenant,
        "category = :category": wanted.category,
        "severity >= :severity": None if wanted.severity is None else wanted.severity.rank,
        "fingerprint = :fingerprint": wanted.fingerprint,
    }
    held, given = holding(asked)
    conditions = [seen, held, _in_states(wanted.states)]
    if cursor is not None:
        began_at, incident_id = decode_cursor(cursor)
        conditions.append("(began_at, id) < (:last_began_at, :last_id)")
        given |= {"last_began_at": microseconds(began_at), "last_id": incident_id}
    return " AND ".join(conditions), {**values, **given}


def _in_states(states: frozenset[IncidentState]) -> str:
    if not states or len(states) == len(IncidentState):
        return "1 = 1"
    if states == _GOING_ON:
        return "resolved_at IS NULL"
    return f"({' OR '.join(_IN_STATE[state] for state in IncidentState if state in states)})"


def _incident(row: Sequence[Any]) -> Incident:
    fields = dict(zip((column.name for column in INCIDENTS), row, strict=True))
    fields["severity"] = _severity(fields["severity"])
    fields["details"] = orjson.loads(fields["details"])
    fields["began_at"], fields["last_at"] = moment_of(fields["began_at"]), moment_of(fields["last_at"])
    for name in ("acknowledged_at", "resolved_at"):
        fields[name] = optional_moment(fields[name])
    return Incident(**fields)


def _severity(rank: int) -> Severity:
    severity = _SEVERITIES.get(rank)
    if severity is None:
        raise ValueError(f"no severity has rank {rank}")
    return severity


def forget_incidents(before: datetime | None, tenant: str | None) -> Dialogue[int]:
    """Forget those that ended before a moment, and a tenant's; how many went."""
    if before is None and tenant is None:
        return 0
    condition, values = holding({"resolved_at < :before": optional_microseconds(before), "tenant = :tenant": tenant})
    which = f"FROM incidents WHERE {condition}"
    ((count,),) = yield Statement(sql=f"SELECT count(*) {which}", values=values)
    yield Statement(sql=f"DELETE {which}", values=values)
    return int(count)
