"""Taking on an alert by a signed link, without a key: a page with a button, for scanners of mail follow links too.

Whoever holds the link may do this one thing, and reads the alert's title alone. Links are made by `AlertDesk.signed`.
"""

from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from midwatch_core import LinkFault, Scope
from midwatch_web.alerts.asked import STATES
from midwatch_web.alerts.desk import desk_of
from midwatch_web.alerts.pacing import Pacing
from midwatch_web.serving.failures import failure
from midwatch_web.serving.forms import form_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)

# A form of ours has one short field.
_MOST_BYTES = 4096
_NOT_KEPT = "What it is about is not kept any more."
_FAULTS = {
    LinkFault.MALFORMED: "It was cut short, or changed, on its way: open it from the message once more.",
    LinkFault.FOREIGN: "Its signature is not ours. It was changed on its way, or another Midwatch made it: consoles "
    "take each other's links where the file hash.key is the same in the homes of all nodes.",
    LinkFault.OLD: "It is older than a week.",
}


@router.get("/alerts/acknowledge/{token}")
async def ask(request: Request, token: str) -> Response:
    """What it is about, and a button. This changes nothing."""
    if wait_s := _wait_s(request):
        return _too_often(request, wait_s)
    link = desk_of(request).link_of(token)
    if isinstance(link, LinkFault):
        return _broken(request, _FAULTS[link])
    found = await desk_of(request).incident(Scope(), link.incident_id)
    if found is None:
        return _broken(request, _NOT_KEPT)
    return page(request, "alerts/signed.html", incident=found, token=token, states=STATES)


@router.post("/alerts/acknowledge/{token}")
async def take_on(request: Request, token: str) -> Response:
    """Take it on, in the name of whoever got the link."""
    if wait_s := _wait_s(request):
        return _too_often(request, wait_s)
    await form_of(request, most_bytes=_MOST_BYTES)
    link = desk_of(request).link_of(token)
    if isinstance(link, LinkFault):
        return _broken(request, _FAULTS[link])
    if await desk_of(request).acknowledge_by(link) is None:
        return _broken(request, _NOT_KEPT)
    return RedirectResponse(f"/alerts/acknowledge/{quote(token, safe='')}", 303)


def _broken(request: Request, why: str) -> Response:
    return page(request, "alerts/broken-link.html", status=404, why=why)


def _wait_s(request: Request) -> float:
    pacing: Pacing = request.app.state.links
    return pacing.wait_s(request.client.host if request.client else "")


def _too_often(request: Request, wait_s: float) -> Response:
    answer = failure(request, 429, "Links were followed too often from where you are: wait a moment.")
    answer.headers["Retry-After"] = str(max(1, round(wait_s)))
    return answer
