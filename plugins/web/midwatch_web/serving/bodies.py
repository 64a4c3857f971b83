"""Bodies that programs send: JSON, of a bounded size. A form of another site's page can't be sent as that."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

_MOST_BYTES = 1024 * 1024
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


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
            return await handle(Request(request.scope, _at_most(_MOST_BYTES, request.receive)))

        return bounded


def _at_most(most_bytes: int, receive: Callable[[], Awaitable[Message]]) -> Callable[[], Awaitable[Message]]:
    left = most_bytes

    async def received() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, f"A body has at most {most_bytes:,} bytes here.")
        return message

    return received
