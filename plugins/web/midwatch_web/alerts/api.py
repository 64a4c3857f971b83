"""Alerts for programs: pages of them, one, files of many, taking one on; channels, and what was sent to them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from midwatch_core import DeliveryState, IncidentFilter, IncidentState, Severity
from midwatch_web.alerts.desk import NO_SUCH, desk_of, incident_of, outbox_of, send_again, send_test
from midwatch_web.alerts.export import CSV, JSONL, alerts_like
from midwatch_web.alerts.rows import channel_row, delivery_row, incident_row
from midwatch_web.serving.answers import json_answer, utc
from midwatch_web.serving.asked import caller_of
from midwatch_web.serving.bodies import JsonRoute, Nothing
from midwatch_web.serving.exporting import MOST_ROWS

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"], route_class=JsonRoute)
files = APIRouter(prefix="/api/v1", tags=["alerts"])


def wanted_of(
    state: Annotated[list[IncidentState] | None, Query()] = None,
    since: datetime | None = None,
    tenant: str | None = None,
    category: str | None = None,
    severity: Severity | None = None,
    fingerprint: str | None = None,
) -> IncidentFilter:
    """The filter of a call. `state` may be given several times; `severity` is the least; `since` is about `last_at`."""
    return IncidentFilter(
        states=frozenset(state or ()),
        since=utc(since),
        tenant=tenant,
        category=category,
        severity=severity,
        fingerprint=fingerprint,
    )


type Wanted = Annotated[IncidentFilter, Depends(wanted_of)]
type Most = Annotated[int, Query(ge=1, le=MOST_ROWS)]


@router.get("")
async def alerts(
    request: Request, wanted: Wanted, limit: Annotated[int, Query(ge=1, le=1000)] = 100, cursor: str | None = None
) -> Response:
    """A page of alerts, the last begun first, and the next `cursor`. Those of no tenant are the installation's own."""
    found = await desk_of(request).incidents(caller_of(request).scope, wanted, limit=limit, cursor=cursor)
    return json_answer({"alerts": [incident_row(one) for one in found.incidents], "cursor": found.cursor})


@router.get("/channels")
async def channels(request: Request) -> Response:
    """Where alerts go out, and how each channel does. Without any, this process sends none."""
    outbox = outbox_of(request)
    return json_answer({"channels": [channel_row(one) for one in outbox.channels()] if outbox else []})


@router.post("/channels/{channel}/test")
async def test_channel(request: Request, channel: str, body: Nothing) -> Response:
    """Send a message that says it is a test, now, on record; how that went.

    For operators and admins of the installation.
    """
    return json_answer(delivery_row(await send_test(request, channel)))


@router.get("/deliveries")
async def deliveries(
    request: Request,
    channel: str | None = None,
    incident: str | None = None,
    state: DeliveryState | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """The newest messages to channels: `waiting`, `sent`, or `dead`, which was given up."""
    outbox = outbox_of(request)
    found = await outbox.deliveries(channel=channel, incident=incident, state=state, limit=limit) if outbox else ()
    return json_answer({"deliveries": [delivery_row(one) for one in found]})


@router.post("/deliveries/{delivery_id}/retry")
async def retry(request: Request, delivery_id: str, body: Nothing) -> Response:
    """Send a message again that was given up, on record. For operators and admins of the installation."""
    await send_again(request, delivery_id)
    return json_answer({"id": delivery_id, "state": DeliveryState.WAITING.value})


@router.get("/{incident_id}")
async def alert(request: Request, incident_id: str) -> Response:
    """One alert; `details` say what led to it."""
    return json_answer(incident_row(await incident_of(request, incident_id)))


@router.post("/{incident_id}/acknowledge")
async def acknowledge(request: Request, incident_id: str, body: Nothing) -> Response:
    """Take one on, on record; the alert as it stands then. One that is over, or taken on already, stays as it is.

    Operators and admins do, each within its tenants.
    """
    found = await desk_of(request).acknowledge(caller_of(request), incident_id)
    if found is None:
        raise HTTPException(404, NO_SUCH)
    return json_answer(incident_row(found))


@files.get("/alerts.jsonl", response_class=StreamingResponse)
async def alerts_jsonl(request: Request, wanted: Wanted, limit: Most = 10_000) -> Response:
    """The same rows, a line of JSON each."""
    return await JSONL.answer(request, alerts_like(request, wanted), limit)


@files.get("/alerts.csv", response_class=StreamingResponse)
async def alerts_csv(request: Request, wanted: Wanted, limit: Most = 10_000) -> Response:
    """The same rows as CSV (RFC 4180); a cell that a spreadsheet would run as a formula has an apostrophe before it."""
    return await CSV.answer(request, alerts_like(request, wanted), limit)
