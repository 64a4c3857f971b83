"""What a program sends: of a JSON kind, which no other site's form can send."""

from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request

from midwatch_web.ingest.problems import UnfitError

JSON = "application/json"
NDJSON = "application/x-ndjson"


def kind_of(request: Request, *kinds: str) -> str:
    """The content type, which must be one of `kinds`. Raises HTTPException (415)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise HTTPException(415, f"Content-Type: {' or '.join(kinds)} is expected here.")
    return kind


def document_of(data: bytes, index: int | None = None) -> Any:
    """The JSON document. Raises UnfitError, with the number of the item that it is."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UnfitError(f"not JSON: {error}", index=index) from error
