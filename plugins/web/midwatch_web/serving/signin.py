"""Signing in with a key, and out again."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from midwatch_core import Permission
from midwatch_web.serving.asked import host_of
from midwatch_web.serving.doorkeeper import COOKIE
from midwatch_web.serving.forms import check_same_site, form_of
from midwatch_web.serving.sessions import Sessions
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)
# A key is short; nobody needs to send more.
_MOST_BYTES = 4096


@router.get("/signin")
async def ask(request: Request, wanted: Annotated[str, Query(alias="next")] = "/") -> Response:
    """The form."""
    return page(request, "serving/signin.html", wanted=_local(wanted), wrong=False)


@router.post("/signin")
async def sign_in(request: Request) -> Response:
    """Begin a session for who shows a key that may read."""
    form = await form_of(request, most_bytes=_MOST_BYTES)
    wanted, access = _local(form.get("next", "/")), host_of(request).access
    caller = access.caller(form.get("key", "").strip()) if access is not None else None
    if caller is None or not caller.may(Permission.READ):
        return page(request, "serving/signin.html", status=401, wanted=wanted, wrong=True)
    sessions = _sessions(request)
    answer = RedirectResponse(wanted, 303)
    answer.set_cookie(
        COOKIE,
        sessions.begin(caller),
        max_age=int(sessions.lasts_s),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/signout")
async def sign_out(request: Request) -> Response:
    """End the session."""
    check_same_site(request)
    _sessions(request).end(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/signin", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


def _local(wanted: str) -> str:
    """A path of ours, for after the sign-in; the list for anything else."""
    fits = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if fits and "\\" not in wanted else "/"
