"""Alerts as a file: CSV and JSON lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from midwatch_core import Incident, IncidentFilter
from midwatch_web.alerts.desk import desk_of
from midwatch_web.alerts.rows import incident_row
from midwatch_web.serving.answers import json_bytes
from midwatch_web.serving.asked import caller_of
from midwatch_web.serving.exporting import Export, Read
from midwatch_web.serving.spreadsheet import csv_line

_COLUMNS = (
    "id",
    "state",
    "severity",
    "category",
    "title",
    "tenant",
    "began_at",
    "last_at",
    "count",
    "acknowledged_at",
    "acknowledged_by",
    "resolved_at",
    "fingerprint",
    "details",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alerts:
    """A page of alerts, as a file is made of them."""

    rows: Sequence[Incident]
    cursor: str | None


def alerts_like(request: Request, wanted: IncidentFilter) -> Read[Incident]:
    """Reads pages of the alerts that are wanted, in the caller's scope."""
    desk, scope = desk_of(request), caller_of(request).scope

    async def read(limit: int, cursor: str | None) -> _Alerts:
        page = await desk.incidents(scope, wanted, limit=limit, cursor=cursor)
        return _Alerts(rows=page.incidents, cursor=page.cursor)

    return read


def _jsonl_line(incident: Incident) -> str:
    return json_bytes(incident_row(incident)).decode() + "\n"


def _csv_line(incident: Incident) -> str:
    details = "; ".join(f"{name}: {value}" for name, value in incident.details.items())
    row = {**incident_row(incident), "details": details}
    return csv_line(row[name] for name in _COLUMNS)


JSONL = Export(name="alerts", kind="jsonl", media_type="application/jsonl", line=_jsonl_line)
CSV = Export(name="alerts", kind="csv", media_type="text/csv; charset=utf-8", line=_csv_line, head=csv_line(_COLUMNS))
