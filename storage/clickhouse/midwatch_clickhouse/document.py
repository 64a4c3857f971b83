"""An exchange taken apart for keeping, and put together again: its row, its detail, its texts.

The detail is a JSON document: `exchange` without its segments, and `request` and `response`: their segments as
[part, path, hash, text's key]. Texts are kept by what they are, once a tenant; what is alike in the details of
neighbouring calls is left to the column's compression.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from midwatch_clickhouse.facts import facts_of
from midwatch_core import Exchange, ExchangeRow, FrameDecoder, Request, Response, Segment, dump_json, load_json, row_of

# What is kept of each in the detail; segments stand beside it.
_EXCHANGE = tuple(field.name for field in fields(Exchange) if field.name not in ("request", "response"))
_REQUEST = tuple(field.name for field in fields(Request) if field.name != "segments")
_RESPONSE = tuple(field.name for field in fields(Response) if field.name != "segments")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenApart:
    """An exchange ready to be kept. `facts` are values of columns.FACTS, `texts` the bodies, UTF-8, by their keys."""

    row: ExchangeRow
    facts: tuple[object, ...]
    detail: bytes
    texts: Mapping[str, bytes]


def text_key(body: bytes) -> str:
    """22 characters (128 bits) for a text as it is kept.

    Not the segment's own hash: that is over the original text, and two policies may mask one text in two ways.
    """
    digest = hashlib.blake2b(body, digest_size=16).digest()
    return base64.urlsafe_b64encode(digest)[:22].decode()


def take_apart(exchange: Exchange) -> TakenApart:
    """The parts of an exchange. Raises TypeError, ValueError, RecursionError for values JSON can't hold."""
    texts: dict[str, bytes] = {}
    request, response = exchange.request, exchange.response
    document = {
        "exchange": _values(exchange, _EXCHANGE)
        | {"request": _values(request, _REQUEST), "response": response and _values(response, _RESPONSE)},
        "request": _entries(request.segments, texts),
        "response": _entries(response.segments, texts) if response else [],
    }
    return TakenApart(row=row_of(exchange), facts=facts_of(exchange), detail=dump_json(document), texts=texts)


def _values(thing: object, names: Iterable[str]) -> dict[str, object]:
    # Quicker than replacing what is left out in three dataclasses.
    return {name: getattr(thing, name) for name in names}


def _entries(segments: Iterable[Segment], texts: dict[str, bytes]) -> list[list[str]]:
    entries = []
    for segment in segments:
        body = segment.text.encode()
        key = text_key(body)
        texts[key] = body
        entries.append([segment.part, segment.path, segment.hash, key])
    return entries


def put_together(detail: str, texts: Mapping[str, str]) -> Exchange:
    """The exchange of a detail and its texts. Raises KeyError for a missing text, MidwatchError for other damage."""
    document = load_json(detail.encode())
    exchange: dict[str, Any] = document["exchange"]
    for side in ("request", "response"):
        if exchange[side] is not None:
            exchange[side]["segments"] = [
                {"part": part, "path": path, "hash": own_hash, "text": texts[key]}
                for part, path, own_hash, key in document[side]
            ]
    return _frames().restore(exchange)


@cache
def _frames() -> FrameDecoder:
    return FrameDecoder()
