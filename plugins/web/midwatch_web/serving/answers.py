"""Answers to programs: JSON of whatever was kept, and moments as they were meant."""

import json
from datetime import UTC, datetime

import orjson
from starlette.responses import Response


def utc(moment: datetime | None) -> datetime | None:
    """A moment as asked for: UTC where it has no offset."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def json_answer(document: object, status: int = 200) -> Response:
    """A document of JSON values; what is none of them, such as an amount of money, is written as text."""
    return Response(json_bytes(document), status, media_type="application/json")


def json_bytes(document: object) -> bytes:
    """The same as bytes, without a line end in it."""
    try:
        return orjson.dumps(document, default=str)
    except orjson.JSONEncodeError:  # a number above 64 bits, or half a surrogate pair, in a client's JSON
        return json.dumps(document, default=_plain).encode()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
