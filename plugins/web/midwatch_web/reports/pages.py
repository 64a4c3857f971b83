"""The pages people open: the reports there are with a form to order one, and a report to read."""

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from midwatch_core import Permission, Rendered, Report, ReportDesk, ReportKind, ReportOrder, ReportState
from midwatch_web.reports.embedding import embedded
from midwatch_web.reports.period import PRESETS, period_of
from midwatch_web.serving.asked import caller_of, host_of, there
from midwatch_web.serving.forms import form_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)

_MOST = 100


@router.get("/reports")
async def reports(request: Request) -> Response:
    """What there is and can be."""
    desk, caller = desk_of(request), caller_of(request)
    return page(
        request,
        "reports/reports.html",
        kinds=desk.kinds(),
        presets={name: title for name, (title, _) in PRESETS.items()},
        may_order=caller.may(Permission.OPERATE),
        **await _listed(request),
    )


@router.get("/reports/list")
async def listed(request: Request) -> Response:
    """The list alone, asked for again and again while a report is being made."""
    return page(request, "reports/list.html", **await _listed(request))


@router.post("/reports")
async def order(request: Request) -> Response:
    """Order one; then back to the list."""
    form, caller = await form_of(request), caller_of(request)
    since, until = period_of(form, host_of(request).clock.now())
    tenant = caller.tenant or form.get("tenant", "").strip() or None
    wanted = ReportOrder(tenant=tenant, since=since, until=until)
    await desk_of(request).order(caller, form.get("kind", ""), wanted)
    return RedirectResponse("/reports", 303)


@router.post("/reports/{report_id}/again")
async def order_again(request: Request, report_id: str) -> Response:
    """Order the same once more."""
    await form_of(request)
    desk, caller = desk_of(request), caller_of(request)
    report = await there_is(desk, request, report_id)
    if report.since is None or report.until is None:
        raise HTTPException(409, "This report has no period: order another.")
    wanted = ReportOrder(tenant=report.tenant, since=report.since, until=report.until)
    await desk.order(caller, report.kind, wanted)
    return RedirectResponse("/reports", 303)


@router.get("/reports/{report_id}")
async def report(request: Request, report_id: str) -> Response:
    """A report to read, or how far it is."""
    desk, caller = desk_of(request), caller_of(request)
    found = await there_is(desk, request, report_id)
    formats = formats_of(desk, found)
    content = None
    if found.state is ReportState.DONE and "html" in formats:
        rendered = await desk.rendered(caller, report_id, "html")
        if rendered is not None:  # in a thread: it may be long, and the loop has exchanges to store
            content = await asyncio.to_thread(embedded, rendered.body.decode("utf-8", "replace"))
    return page(
        request,
        "reports/report.html",
        report=found,
        formats=formats,
        lacking=lacking_of(desk, found),
        content=content,
        may_order=caller.may(Permission.OPERATE),
    )


@router.get("/reports/{report_id}/{form}")
async def download(request: Request, report_id: str, form: str) -> Response:
    """A report as a file."""
    return attached(await desk_of(request).rendered(caller_of(request), report_id, form))


def desk_of(request: Request) -> ReportDesk:
    """The report desk. Raises HTTPException where this process has none."""
    return there(host_of(request).reports, "report desk")


async def there_is(desk: ReportDesk, request: Request, report_id: str) -> Report:
    """A report in the caller's scope. Raises HTTPException where there is none."""
    found = await desk.report(caller_of(request), report_id)
    if found is None:
        raise HTTPException(404, "There is no such report.")
    return found


def formats_of(desk: ReportDesk, report: Report) -> Mapping[str, str]:
    """The formats a report can be had in, with media types; none where its kind is not there any more."""
    kind = _kind_of(desk, report)
    return {form: media for form, media in kind.formats.items() if form not in kind.needs} if kind else {}


def lacking_of(desk: ReportDesk, report: Report) -> Mapping[str, str]:
    """The formats it can't be had in here, and what must be installed first."""
    kind = _kind_of(desk, report)
    return {form: words for form, words in kind.needs.items() if form in kind.formats} if kind else {}


def _kind_of(desk: ReportDesk, report: Report) -> ReportKind | None:
    return next((kind for kind in desk.kinds() if kind.name == report.kind), None)


def attached(rendered: Rendered | None) -> Response:
    """A rendered report to be kept as a file, never shown as one of our pages. Raises HTTPException for none."""
    if rendered is None:
        raise HTTPException(404, "There is no such report.")
    name = {"Content-Disposition": f'attachment; filename="{rendered.filename}"'}
    return Response(rendered.body, headers=name, media_type=rendered.media_type)


async def _listed(request: Request) -> dict[str, Any]:
    desk = desk_of(request)
    found = await desk.reports(caller_of(request), limit=_MOST)
    done = [item for item in found if item.state is ReportState.DONE]
    return {
        "reports": found,
        "formats": {item.id: list(formats_of(desk, item)) for item in done},
        "lacking": sorted({told for item in done for told in lacking_of(desk, item).items()}),
        "pending": any(item.state is ReportState.PENDING for item in found),
        "most": _MOST,
    }
