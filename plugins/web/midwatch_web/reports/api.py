"""Reports for programs: what can be ordered, orders, how far they are, and the finished files."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from midwatch_core import ReportOrder, kind_row, report_row
from midwatch_web.reports.pages import attached, desk_of, formats_of, lacking_of, there_is
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import caller_of
from midwatch_web.serving.bodies import JsonRoute

router = APIRouter(prefix="/api/v1", route_class=JsonRoute)


class Order(BaseModel):
    """What is to be reported. Moments without an offset are UTC; `until` is not included."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "gdpr", "tenant": "acme", "since": "2026-10-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}
            ]
        },
    )

    kind: str = Field(min_length=1, max_length=200, description="The name of one of the kinds.")
    tenant: str | None = Field(
        None, min_length=1, max_length=200, description="Whose; a key of a tenant reports on that, null on all."
    )
    since: datetime
    until: datetime


@router.get("/reports")
async def reports(request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """The kinds that can be ordered, and the newest reports."""
    desk = desk_of(request)
    found = await desk.reports(caller_of(request), limit=limit)
    return json_answer(
        {"kinds": [kind_row(kind) for kind in desk.kinds()], "reports": [report_row(report) for report in found]}
    )


@router.post("/reports", status_code=202)
async def order(request: Request, wanted: Order) -> Response:
    """Have a report made in the background. `Location` is where to ask how far it is. For operators and admins."""
    caller = caller_of(request)
    tenant = wanted.tenant if wanted.tenant is not None else caller.tenant
    ordered = ReportOrder(tenant=tenant, since=_utc(wanted.since), until=_utc(wanted.until))
    report = await desk_of(request).order(caller, wanted.kind, ordered)
    answer = json_answer({"report": report_row(report)}, 202)
    answer.headers["Location"] = f"/api/v1/reports/{report.id}"
    return answer


@router.get("/reports/{report_id}")
async def report(request: Request, report_id: str) -> Response:
    """How far a report is: `pending`, `done` or `failed`; its formats, and what another one `needs`."""
    desk = desk_of(request)
    found = await there_is(desk, request, report_id)
    return json_answer(
        {
            "report": report_row(found),
            "formats": list(formats_of(desk, found)),
            "needs": dict(lacking_of(desk, found)),
        }
    )


@router.get("/reports/{report_id}/{form}", responses={409: {"description": "It is being made, or has no such format"}})
async def download(request: Request, report_id: str, form: str) -> Response:
    """A finished report as a file: `json`, `html`, `pdf`. 409 while it is being made, or can't be here."""
    return attached(await desk_of(request).rendered(caller_of(request), report_id, form))


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
