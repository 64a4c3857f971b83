"""One call to take along: its bodies as rebuilt, a HAR file, a curl command. All of it as kept: masked."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import (
    Direction,
    Exchange,
    body_text,
    curl_command,
    har_entry,
    har_head,
    request_body,
    response_body,
    row_of,
)
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import host_of, queries_of

router = APIRouter(prefix="/api/v1/exchanges/{exchange_id}")


async def exchange_of(request: Request, exchange_id: str) -> Exchange:
    """The call of this id. Raises HTTPException where there is none in the caller's scope."""
    found = await queries_of(request).exchange(exchange_id)
    if found is None:
        raise HTTPException(404, "There is no such exchange.")
    return found


@router.get("/raw/{side}")
async def raw(request: Request, exchange_id: str, side: Annotated[Direction, Path()]) -> Response:
    """The body of one side, put together again from what is kept: masked texts stay masked, pictures left out.

    A streamed answer is the whole that it amounts to.
    """
    found = await exchange_of(request, exchange_id)
    body = request_body(found) if side is Direction.REQUEST else response_body(found)
    text = None if body is None else body_text(body)
    if text is None:
        raise HTTPException(404, f"No body of the {side.value} is kept.")
    return Response(text.encode("utf-8", "replace"), media_type="application/json")


@router.get("/har")
async def har(request: Request, exchange_id: str) -> Response:
    """A HAR 1.2 file of the call, which `replay` reads as well."""
    found = await exchange_of(request, exchange_id)
    entry = har_entry(found, {**row_of(found).as_json(), "exchange": asdict(found)})
    answer = json_answer({"log": {**har_head(host_of(request).version or "0"), "entries": [entry]}})
    answer.headers["Content-Disposition"] = 'attachment; filename="midwatch-exchange.har"'
    return answer


@router.get("/curl")
async def curl(request: Request, exchange_id: str) -> Response:
    """The call as a command for a POSIX shell; keys are variables in it."""
    command = curl_command(await exchange_of(request, exchange_id)) + "\n"
    return Response(command.encode("utf-8", "replace"), media_type="text/plain; charset=utf-8")
