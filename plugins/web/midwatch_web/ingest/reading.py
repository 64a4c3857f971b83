"""From a body to the calls told in it: one call, a list under `calls`, or one call a line."""

from io import BytesIO
from itertools import islice
from typing import Any

import orjson
from pydantic import ValidationError

from midwatch_core import MAX_BATCH, ToldCall
from midwatch_web.ingest.body import NDJSON, document_of
from midwatch_web.ingest.calls import ToldPlain, ToldWire
from midwatch_web.ingest.problems import UnfitError


def read_calls(body: bytes, kind: str) -> list[ToldCall]:
    """The calls, in order. Raises UnfitError for the first that is none."""
    items = _lines(body) if kind == NDJSON else _items(document_of(body))
    if len(items) > MAX_BATCH:
        raise UnfitError(f"more than {MAX_BATCH:,} calls in one go")
    return [_call(item, index) for index, item in enumerate(items)]


def _lines(body: bytes) -> list[Any]:
    lines = islice((line for line in BytesIO(body) if line.strip()), MAX_BATCH + 1)
    return [document_of(line, index) for index, line in enumerate(lines)]


def _items(document: Any) -> list[Any]:
    if not isinstance(document, dict) or "calls" not in document:
        return [document]
    if len(document) > 1 or not isinstance(document["calls"], list):
        raise UnfitError("calls: a list is expected, and nothing beside it", field="calls")
    return document["calls"]


def _call(item: Any, index: int) -> ToldCall:
    if not isinstance(item, dict):
        raise UnfitError("a call is an object", index=index)
    kind: type[ToldWire | ToldPlain] = ToldWire if "url" in item else ToldPlain
    try:
        return kind.model_validate(item).call()
    except ValidationError as error:
        raise UnfitError.of(error, index) from error
    except orjson.JSONEncodeError as error:  # a body is written again as it stood on the wire
        raise UnfitError("nested too deep", index=index) from error
