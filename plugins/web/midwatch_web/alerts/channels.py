"""The page of channels: how each does, what was given up, and a message to try one; its forms."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from midwatch_core import AlertOutbox, ChannelRow, Delivery, DeliveryState, Permission
from midwatch_web.alerts.desk import outbox_of, send_again, send_test
from midwatch_web.serving.asked import caller_of
from midwatch_web.serving.forms import form_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)

_MOST_DEAD = 100
_MOST_NEWEST = 50
_WENT = {
    DeliveryState.SENT: "The test was taken by",
    DeliveryState.WAITING: "The test is still on its way to",
    DeliveryState.DEAD: "The test was not taken by",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """The page: all channels, what was given up, and the newest messages, of one channel where that was asked."""

    channels: Sequence[ChannelRow] = ()
    dead: Sequence[Delivery] = ()
    newest: Sequence[Delivery] = ()


@router.get("/alerts/channels")
async def channels(request: Request, channel: str = "", tested: str = "", went: str = "", again: str = "") -> Response:
    """All channels; `tested` and `went` are what a form has just done, `again` that a message was taken up again."""
    outbox, told = outbox_of(request), went if went in list(DeliveryState) else ""
    shown = Channels() if outbox is None else await _read(outbox, channel or None)
    known = tested in {row.name for row in shown.channels}
    return page(
        request,
        "alerts/channels.html",
        shown=shown,
        sends=outbox is not None,
        channel=channel,
        tested=f"{_WENT[DeliveryState(told)]} {tested}." if told and known else "",
        took=told == DeliveryState.SENT,
        again=bool(again),
        operates=caller_of(request).may(Permission.OPERATE),
    )


@router.post("/alerts/channels/{channel}/test")
async def test_channel(request: Request, channel: str) -> Response:
    """Send a message that says it is a test; then back to the channels."""
    await form_of(request)
    sent = await send_test(request, channel)
    return RedirectResponse(f"/alerts/channels?{urlencode({'tested': channel, 'went': sent.state.value})}", 303)


@router.post("/alerts/deliveries/{delivery_id}/retry")
async def retry(request: Request, delivery_id: str) -> Response:
    """Send a message again that was given up; then back to the channels."""
    await form_of(request)
    await send_again(request, delivery_id)
    return RedirectResponse("/alerts/channels?again=1", 303)


async def _read(outbox: AlertOutbox, channel: str | None) -> Channels:
    return Channels(
        channels=outbox.channels(),
        dead=await outbox.deliveries(channel=channel, state=DeliveryState.DEAD, limit=_MOST_DEAD),
        newest=await outbox.deliveries(channel=channel, limit=_MOST_NEWEST),
    )
