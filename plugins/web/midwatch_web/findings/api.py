"""Findings for programs: pages of them, counts, one by its id, files of many, and judging one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from midwatch_core import (
    FINDING_KEYS,
    MAX_NOTE,
    FindingFilter,
    FindingRow,
    Severity,
    TriageState,
)
from midwatch_web.findings.export import CSV, JSONL, findings_like
from midwatch_web.findings.owasp import named
from midwatch_web.serving.answers import json_answer, utc
from midwatch_web.serving.asked import caller_of, host_of, queries_of, there
from midwatch_web.serving.bodies import JsonRoute
from midwatch_web.serving.exporting import MOST_ROWS

router = APIRouter(prefix="/api/v1/findings", tags=["findings"], route_class=JsonRoute)
files = APIRouter(prefix="/api/v1", tags=["findings"])


class Judged(BaseModel):
    """How a finding is judged, and why."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"state": "false_positive", "note": "a test"}]}
    )

    state: TriageState
    note: str = Field("", max_length=MAX_NOTE)


def wanted_of(
    since: datetime | None = None,
    until: datetime | None = None,
    tenant: str | None = None,
    category: str | None = None,
    severity: Severity | None = None,
    rule: str | None = None,
    plugin: str | None = None,
    action: str | None = None,
    provider: str | None = None,
    model: str | None = None,
    app: str | None = None,
    agent: str | None = None,
    exchange_id: str | None = None,
    trace_id: str | None = None,
) -> FindingFilter:
    """The filter of a call. Moments are RFC 3339, UTC without an offset; `severity` is the least."""
    return FindingFilter(
        since=utc(since),
        until=utc(until),
        tenant=tenant,
        category=category,
        severity=severity,
        rule=rule,
        plugin=plugin,
        action=action,
        provider=provider,
        model=model,
        app=app,
        agent=agent,
        exchange_id=exchange_id,
        trace_id=trace_id,
    )


type Wanted = Annotated[FindingFilter, Depends(wanted_of)]
type Most = Annotated[int, Query(ge=1, le=MOST_ROWS)]


@router.get("")
async def findings(
    request: Request,
    wanted: Wanted,
    state: TriageState | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Response:
    """A page, those of the newest calls first: `findings` with the keys of `findings --json`, and the next `cursor`.

    With `state` a page may end early, even empty: its cursor goes on.
    """
    found = await queries_of(request).findings(wanted, state=state, limit=limit, cursor=cursor)
    return json_answer({"findings": [row.as_json() for row in found.rows], "cursor": found.cursor})


@router.get("/counts")
async def counts(request: Request, wanted: Wanted, by: Annotated[list[str] | None, Query()] = None) -> Response:
    """Findings, whatever their triage, counted by some of FINDING_KEYS: `by=category,day`. By `category` if none."""
    keys = [key for value in by or ["category"] for key in value.split(",") if key]
    if unknown := [key for key in keys if key not in FINDING_KEYS]:
        raise HTTPException(400, f"by: {unknown[0]!r} is none of {', '.join(FINDING_KEYS)}")
    keys = list(dict.fromkeys(keys))
    found = await queries_of(request).finding_counts(wanted, by=keys)
    rows = [dict(zip(keys, count.group, strict=True)) | {"findings": count.findings} for count in found]
    return json_answer({"by": keys, "counts": rows})


@router.get("/{finding_id}")
async def finding(request: Request, finding_id: str) -> Response:
    """One finding; `owasp_names` has the names of its OWASP ids, `exception` what would pass over others like it."""
    row = await queries_of(request).finding(finding_id)
    if row is None:
        raise HTTPException(404, "There is no such finding.")
    return json_answer(_told(request, row))


@router.post("/{finding_id}/triage")
async def triage(request: Request, finding_id: str, judged: Judged) -> Response:
    """Judge a finding; the finding as it stands then. Operators and admins do, each within its tenants."""
    triaging = there(host_of(request).triaging, "triage")
    row = await triaging.judge(caller_of(request), finding_id, judged.state, note=judged.note)
    if row is None:
        raise HTTPException(404, "There is no such finding.")
    return json_answer(_told(request, row))


@files.get("/findings.jsonl", response_class=StreamingResponse)
async def findings_jsonl(
    request: Request, wanted: Wanted, state: TriageState | None = None, limit: Most = 10_000
) -> Response:
    """The same rows, a line of JSON each."""
    return await JSONL.answer(request, findings_like(request, wanted, state), limit)


@files.get("/findings.csv", response_class=StreamingResponse)
async def findings_csv(
    request: Request, wanted: Wanted, state: TriageState | None = None, limit: Most = 10_000
) -> Response:
    """The same rows as CSV (RFC 4180); a cell that a spreadsheet would run as a formula has an apostrophe before it."""
    return await CSV.answer(request, findings_like(request, wanted, state), limit)


def _told(request: Request, row: FindingRow) -> Mapping[str, object]:
    triaging = host_of(request).triaging
    exception = triaging.exception_for(row) if triaging is not None else None
    return {**row.as_json(), "owasp_names": dict(named(row.owasp)), "exception": exception}
