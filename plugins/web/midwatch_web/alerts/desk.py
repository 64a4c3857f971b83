"""The desk of alerts and its outbox as handlers need them: there, and for who may come to them."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from midwatch_core import AccessDeniedError, AlertDesk, AlertOutbox, Delivery, Incident
from midwatch_web.serving.asked import caller_of, host_of, there

NO_SUCH = "There is no such alert, or it ended longer ago than what is kept."
NO_CHANNEL = "There is no such channel in this process."
NO_DELIVERY = "There is no message of that id that was given up."


def desk_of(request: Request) -> AlertDesk:
    """The desk. Raises HTTPException where this process has none."""
    return there(host_of(request).alerts, "view of alerts")


async def incident_of(request: Request, incident_id: str) -> Incident:
    """One in the caller's scope. Raises HTTPException where there is none, StorageError."""
    found = await desk_of(request).incident(caller_of(request).scope, incident_id)
    if found is None:
        raise HTTPException(404, NO_SUCH)
    return found


def outbox_of(request: Request) -> AlertOutbox | None:
    """The outbox: channels are the whole installation's. Raises AccessDeniedError for a caller of one tenant."""
    caller = caller_of(request)
    if caller.tenant is not None:
        raise AccessDeniedError(f"{caller.name} is of the tenant {caller.tenant}, and channels are for all.")
    return desk_of(request).outbox


async def send_test(request: Request, channel: str) -> Delivery:
    """Send a test, on record; how it went.

    Raises HTTPException where there is no such channel, AccessDeniedError, StorageError.
    """
    sent = await desk_of(request).test_channel(caller_of(request), channel)
    if sent is None:
        raise HTTPException(404, NO_CHANNEL)
    return sent


async def send_again(request: Request, delivery_id: str) -> None:
    """Have a dead letter sent again, on record. Raises as `send_test`."""
    if not await desk_of(request).retry(caller_of(request), delivery_id):
        raise HTTPException(404, NO_DELIVERY)
