"""The pages people open: the alerts that there are, and one with what led to it, what to do, and who sees to it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from midwatch_core import ExchangeFilter, Incident, Permission, StorageError
from midwatch_web.alerts.advice import CATEGORIES
from midwatch_web.alerts.asked import SEVERITIES, STATES, AlertsAsked
from midwatch_web.alerts.desk import NO_SUCH, desk_of
from midwatch_web.alerts.lasting import lasting
from midwatch_web.alerts.listing import read_listing
from midwatch_web.alerts.reading import read_alert
from midwatch_web.serving.asked import caller_of, host_of
from midwatch_web.serving.forms import form_of
from midwatch_web.serving.openalerts import current_alerts
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)

# A choice of more is none: the rest can be written into the address.
_MOST_CHOICES = 300
_TENANTS_OF = timedelta(days=30)


@router.get("/alerts")
async def alerts(request: Request, cursor: str | None = None) -> Response:
    """What goes on, and what is over; older ones from a cursor on."""
    asked, host, caller = AlertsAsked.from_query(request.query_params), host_of(request), caller_of(request)
    listing = await read_listing(desk_of(request), host, caller, asked, cursor or None)
    shown = (*listing.current, *listing.over)
    # A list that is read anew shows no filters: these are asked for with the page.
    whole = caller.tenant is None
    tenants = await _tenants(request, shown) if whole and "hx-request" not in request.headers else ()
    return page(
        request,
        "alerts/alerts.html",
        listing=listing,
        states=STATES,
        severities=SEVERITIES,
        categories=_offered(CATEGORIES, asked.category),
        tenants=_offered(tenants, asked.tenant) if whole else (),
        takes_on=caller.may(Permission.OPERATE),
        whole=whole,
        lasted=lambda one: lasting((one.resolved_at or host.clock.now()) - one.began_at),
    )


@router.get("/alerts/{incident_id}")
async def alert(request: Request, incident_id: str) -> Response:
    """One alert."""
    caller = caller_of(request)
    shown = await read_alert(desk_of(request), host_of(request), caller, incident_id)
    if shown is None:
        raise HTTPException(404, NO_SUCH)
    return page(
        request,
        "alerts/alert.html",
        shown=shown,
        states=STATES,
        takes_on=caller.may(Permission.OPERATE),
        whole=caller.tenant is None,
        operates=caller.tenant is None and caller.may(Permission.OPERATE),
    )


@router.post("/alerts/{incident_id}/acknowledge")
async def acknowledge(request: Request, incident_id: str) -> Response:
    """Take one on; then back to the list where it says from which, else to the alert."""
    form = await form_of(request)
    if await desk_of(request).acknowledge(caller_of(request), incident_id) is None:
        raise HTTPException(404, NO_SUCH)
    if "back" in form:
        asked = AlertsAsked.from_query(dict(parse_qsl(form["back"].removeprefix("?"))))
        return RedirectResponse(f"/alerts{asked.query()}", 303)
    return RedirectResponse(f"/alerts/{quote(incident_id, safe='')}", 303)


async def _tenants(request: Request, shown: Sequence[Incident]) -> set[str]:
    """Tenants to choose from: those with alerts, and those with calls of late, where the store can be asked."""
    host, caller = host_of(request), caller_of(request)
    told = {one.tenant for one in (*shown, *current_alerts(host, caller)) if one.tenant}
    if host.queries is None:
        return told
    lately = ExchangeFilter(since=host.clock.now() - _TENANTS_OF)
    try:
        rows = await host.queries.within(caller.scope).costs(lately, by=["tenant"])
    except StorageError:  # alerts are read above all while something is wrong
        return told
    return told | {row.group[0] for row in rows if row.group[0]}


def _offered(values: Iterable[str], chosen: str | None) -> tuple[str, ...]:
    """What a field offers, and the one chosen even where it is gone."""
    return tuple(sorted({*sorted(values)[:_MOST_CHOICES], *([chosen] if chosen else [])}))
