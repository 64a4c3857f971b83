"""Rules and plugins for programs."""

import asyncio

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_web.rules.fired import fired, since_of
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import caller_of, installation_of

router = APIRouter(prefix="/api/v1")


@router.get("/rules")
async def rules(request: Request) -> Response:
    """Rules of all packs in use, with the keys of `rules list --json`; `fired` counts findings since `since`.

    For callers of no one tenant, as is all of the installation.
    """
    rows = await asyncio.to_thread(installation_of(request).rules, caller_of(request))
    counts = await fired(request)
    listed = [{**row, "fired": counts.get(str(row["id"]), 0)} for row in rows]
    return json_answer({"rules": listed, "since": since_of(request).isoformat()})


@router.get("/rules/{rule_id:path}")
async def rule(request: Request, rule_id: str) -> Response:
    """One rule by its full id, which has slashes in it: its row, and under `spec` all that its pack says of it."""
    found = await asyncio.to_thread(installation_of(request).rule, caller_of(request), rule_id)
    if found is None:
        raise HTTPException(404, "There is no such rule in a pack in use.")
    counts = await fired(request)
    return json_answer({**found, "fired": counts.get(rule_id, 0)})


@router.get("/plugins")
async def plugins(request: Request) -> Response:
    """Plugins, with the keys of `plugins list --json`, and the state of each one's breaker."""
    return json_answer({"plugins": list(installation_of(request).plugins(caller_of(request)))})
