"""The editor of policies: a text is checked, tried, looked at once more, and published. It is never lost on the way."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from markupsafe import Markup, escape
from starlette.responses import RedirectResponse, Response

from midwatch_core import MAX_NOTE, Permission, PolicyCheck, PolicyDeskError
from midwatch_web.policies.asked import desk_of
from midwatch_web.policies.differences import differences
from midwatch_web.policies.proposing import draft
from midwatch_web.serving.asked import caller_of, host_of
from midwatch_web.serving.forms import form_of
from midwatch_web.serving.templating import page
from midwatch_web.serving.visible import shown

router = APIRouter(include_in_schema=False)

# A text of 256 KiB, every character of it written as `%XX`.
_MOST_BYTES = 1024 * 1024
_WEEK = timedelta(days=7)


@router.get("/policies/edit")
async def edit(
    request: Request,
    start: Annotated[str, Query(alias="from")] = "",
    version: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    exception: str = "",
) -> Response:
    """The editor, with the policy in use; a shipped one (`from`), a version, or with an exception for a finding."""
    begun = await draft(request, desk_of(request), start=start, version=version, finding_id=exception)
    return await _editor(request, begun.text, origin=begun.origin, said=begun.said, piece=begun.piece)


@router.post("/policies/edit")
async def step(request: Request) -> Response:
    """A step with the text as it is: `check`, `try`, `review`; or back to the editor. Nothing is changed by any."""
    form = await form_of(request, most_bytes=_MOST_BYTES)
    text, desk, caller = _text(form), desk_of(request), caller_of(request)
    match form.get("step"):
        case "check":
            return await _editor(request, text, checked=await desk.check(caller, text))
        case "try":
            return await _try(request, text)
        case "review":
            return await _review(request, text, note=form.get("note", ""))
    return await _editor(request, text)


@router.post("/policies/publish")
async def publish(request: Request) -> Response:
    """Put the text into use."""
    form = await form_of(request, most_bytes=_MOST_BYTES)
    text, note = _text(form), form.get("note", "")
    try:
        await desk_of(request).publish(caller_of(request), text, note=note)
    except PolicyDeskError as error:
        return await _editor(request, text, problem=str(error), status=409)
    return RedirectResponse("/policies?done=published", 303)


async def _try(request: Request, text: str) -> Response:
    desk, since = desk_of(request), host_of(request).clock.now() - _WEEK
    try:
        told = await desk.simulate(caller_of(request), text, since=since)
    except PolicyDeskError as error:
        return await _editor(request, text, problem=str(error))
    return await _editor(request, text, simulated=told)


async def _review(request: Request, text: str, *, note: str) -> Response:
    """What would be published, beside what is in use."""
    desk, caller = desk_of(request), caller_of(request)
    checked, standing = await desk.check(caller, text), await desk.standing(caller)
    if not checked.sound or standing.read_only is not None or not caller.may(Permission.OPERATE):
        return await _editor(request, text, checked=checked)
    return page(
        request,
        "policies/review.html",
        standing=standing,
        written=_unchanged(text),
        hides=shown(text) != text,
        note=note,
        most_note=MAX_NOTE,
        checked=checked,
        rows=await asyncio.to_thread(differences, standing.text, text),
    )


async def _editor(
    request: Request,
    text: str,
    *,
    checked: PolicyCheck | None = None,
    status: int = 200,
    **values: object,
) -> Response:
    desk, caller = desk_of(request), caller_of(request)
    standing = await desk.standing(caller)
    nothing = {"origin": "", "said": "", "piece": "", "problem": "", "simulated": None}
    return page(
        request,
        "policies/edit.html",
        status=status,
        standing=standing,
        shipped=list(await desk.shipped(caller)),
        written=_unchanged(text),
        hides=shown(text) != text,
        checked=checked,
        operates=caller.may(Permission.OPERATE),
        **(nothing | values),
    )


def _text(form: Mapping[str, str]) -> str:
    """The text with plain newlines: a form sends them as CRLF."""
    return form.get("text", "").replace("\r\n", "\n")


def _unchanged(text: str) -> Markup:
    """For a textarea: what is sent back must be what was written, so that nothing hidden is spelled out in it."""
    return escape(text)
