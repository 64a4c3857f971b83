"""The body of a request from a program: of a JSON kind, which no other site's form can send, and bounded."""

import asyncio
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request

from midwatch_web.ingest.problems import UnfitError

JSON = "application/json"
NDJSON = "application/x-ndjson"

# Whoever sends slower than this is cut off, for others wait to send.
_PATIENCE_S = 30.0


def kind_of(request: Request, *kinds: str) -> str:
    """The content type, which must be one of `kinds`. Raises HTTPException (415)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise HTTPException(415, f"Content-Type: {' or '.join(kinds)} is expected here.")
    return kind


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
    return bytes(body)


def document_of(data: bytes, index: int | None = None) -> Any:
    """The JSON document. Raises UnfitError, with the number of the item that it is."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UnfitError(f"not JSON: {error}", index=index) from error


def _too_long(most_bytes: int) -> HTTPException:
    return HTTPException(413, f"More than {most_bytes:,} bytes: send less in one go.")
