"""Judging findings by the forms of their pages: one with a note, or many of a list at once."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from midwatch_core import TriageState
from midwatch_web.findings.asked import FindingsAsked
from midwatch_web.serving.asked import caller_of, host_of, there
from midwatch_web.serving.forms import form_of

router = APIRouter(include_in_schema=False)

MOST_AT_ONCE = 100
# A checked row's field: this and the finding's id.
_PICKED = "finding:"


@router.post("/findings/triage")
async def judge_many(request: Request) -> Response:
    """Judge the checked ones; then back to the list as it was."""
    form = await form_of(request)
    picked = [name.removeprefix(_PICKED) for name in form if name.startswith(_PICKED)]
    if len(picked) > MOST_AT_ONCE:
        raise HTTPException(413, f"At most {MOST_AT_ONCE} findings are judged at once.")
    state, triaging, caller = _state(form), there(host_of(request).triaging, "triage"), caller_of(request)
    judged = [await triaging.judge(caller, finding_id, state) for finding_id in picked]
    count = sum(row is not None for row in judged)
    asked = FindingsAsked.from_query(dict(parse_qsl(form.get("back", "").removeprefix("?"))))
    return RedirectResponse(f"/findings{asked.query(judged=str(count))}", 303)


@router.post("/findings/{finding_id}/triage")
async def judge(request: Request, finding_id: str) -> Response:
    """Judge one; then back to it."""
    form = await form_of(request)
    triaging = there(host_of(request).triaging, "triage")
    try:
        row = await triaging.judge(caller_of(request), finding_id, _state(form), note=form.get("note", "").strip())
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    if row is None:
        raise HTTPException(404, "There is no such finding, or its call is older than what is kept.")
    return RedirectResponse(f"/findings/{quote(finding_id, safe='')}", 303)


def _state(form: Mapping[str, str]) -> TriageState:
    """The judgement of a form. Raises HTTPException."""
    state = form.get("state", "")
    if state not in list(TriageState):
        raise HTTPException(400, "How the findings are judged is not said.")
    return TriageState(state)
