"""Bodies of requests: bounded in size and in time; those that programs send are JSON, which no other site can send."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message

_MOST_BYTES = 1024 * 1024
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
# Whoever sends slower than this is cut off, for others wait to send.
_PATIENCE_S = 30.0


class Nothing(BaseModel):
    """There is nothing more to say: `{}`."""

    model_config = ConfigDict(extra="forbid")


class JsonRoute(APIRoute):
    """A route whose bodies are `application/json` (else 415) of at most 1 MiB (else 413): `route_class` of a router."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI asks for it."""
        handle = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            if request.method not in _WITH_BODY:
                return await handle(request)
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                raise HTTPException(415, "JSON is expected here: Content-Type: application/json")
            body = await body_of(request, most_bytes=_MOST_BYTES)
            return await handle(Request(request.scope, _received(body, request.receive)))

        return bounded


async def body_of(request: Request, *, most_bytes: int) -> bytes:
    """The whole body, read in pieces. Raises HTTPException: 413 above `most_bytes`, 408 where it does not come."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most_bytes:
        raise _too_long(most_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    raise _too_long(most_bytes)
    except TimeoutError as error:
        raise HTTPException(408, f"The body did not come within {_PATIENCE_S:.0f} seconds.") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "The body ended before its time.") from error  # nobody is left to read that
    return bytes(body)


def _too_long(most_bytes: int) -> HTTPException:
    return HTTPException(413, f"More than {most_bytes:,} bytes: send less in one go.")


def _received(body: bytes, receive: Callable[[], Awaitable[Message]]) -> Callable[[], Awaitable[Message]]:
    """What a handler reads: the body that is here already, then whether its sender has left."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received
