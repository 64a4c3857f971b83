"""The pages of policies: what is in use, its versions, and going back to what the configuration names."""

import asyncio

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from midwatch_core import Permission, PolicyDeskError, PolicyError, PolicyVersion, read_policy
from midwatch_web.policies.asked import desk_of
from midwatch_web.policies.differences import differences
from midwatch_web.policies.lines import Line, lines_of
from midwatch_web.serving.asked import caller_of, host_of
from midwatch_web.serving.forms import form_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)

_VERSIONS = 100
_DONE = {
    "published": "Published: it is in use from now on, in every process.",
    "rolled-back": "Rolled back: the earlier text is in use from now on, as a version of its own.",
    "withdrawn": "Withdrawn: what the configuration names is in use again.",
}


@router.get("/policies")
async def policies(request: Request, done: str = "") -> Response:
    """The policy in use: its lines as a table, and as it is written."""
    desk, caller = desk_of(request), caller_of(request)
    standing = await desk.standing(caller)
    lines, problem = _lines(request, standing.text)
    return page(
        request,
        "policies/policy.html",
        standing=standing,
        lines=lines,
        problem=problem,
        shipped=await desk.shipped(caller),
        operates=caller.may(Permission.OPERATE),
        done=_DONE.get(done, ""),
    )


@router.get("/policies/versions")
async def versions(request: Request) -> Response:
    """What the policy in use has been."""
    desk, caller = desk_of(request), caller_of(request)
    standing = await desk.standing(caller)
    found = await desk.versions(caller, limit=_VERSIONS)
    return page(request, "policies/versions.html", standing=standing, versions=found, full=len(found) == _VERSIONS)


@router.get("/policies/versions/{version}")
async def version(request: Request, version: int) -> Response:
    """One version: what it changed, and what going back to it would change."""
    desk, caller = desk_of(request), caller_of(request)
    standing, found = await desk.standing(caller), await _version(request, version)
    before = await _version(request, version - 1) if version > 1 else None
    return page(
        request,
        "policies/version.html",
        standing=standing,
        kept=found,
        changed=await asyncio.to_thread(differences, before.text, found.text) if before else None,
        before=before,
        back=await asyncio.to_thread(differences, standing.text, found.text),
        operates=caller.may(Permission.OPERATE),
    )


@router.post("/policies/roll_back")
async def roll_back(request: Request) -> Response:
    """Put a version into use again."""
    asked = (await form_of(request)).get("version", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 10):
        raise HTTPException(400, "Which version is not said.")
    try:
        await desk_of(request).roll_back(caller_of(request), int(asked))
    except PolicyDeskError as error:
        raise HTTPException(409, str(error)) from error
    return RedirectResponse("/policies?done=rolled-back", 303)


@router.get("/policies/withdraw")
async def withdrawing(request: Request) -> Response:
    """Asks whether what was published is to be withdrawn."""
    desk, caller = desk_of(request), caller_of(request)
    standing = await desk.standing(caller)
    return page(request, "policies/withdraw.html", standing=standing, operates=caller.may(Permission.OPERATE))


@router.post("/policies/withdraw")
async def withdraw(request: Request) -> Response:
    """Go back to what the configuration names."""
    await form_of(request)
    try:
        await desk_of(request).withdraw(caller_of(request))
    except PolicyDeskError as error:
        raise HTTPException(409, str(error)) from error
    return RedirectResponse("/policies?done=withdrawn", 303)


async def _version(request: Request, version: int) -> PolicyVersion:
    try:
        return await desk_of(request).version(caller_of(request), version)
    except PolicyDeskError as error:
        raise HTTPException(404, str(error)) from error


def _lines(request: Request, text: str) -> tuple[list[Line], str]:
    """The lines of the policy in use, or why they can't be shown."""
    try:
        return lines_of(read_policy(text.encode(), "policy"), host_of(request).clock.now().date()), ""
    except PolicyError as error:
        return [], str(error)
