"""Rebuilding a body from what is kept of it: its skeleton and its texts, or for a streamed answer its texts alone.

The counterpart of `sealing.skeleton`. What was masked stays masked, what was left out stays left out. A value other
than a string in the members of a tool's result (Gemini's) comes back as a text: its segment does not tell.
"""

import json
from collections.abc import Iterable

import orjson

from midwatch_core.model.content import Json, Response
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.jsontext import parse

_DEPTH = 64
# A stream's texts may name places far apart; lists are not filled up beyond this.
_MOST_PLACES = 10_000
# Members whose values are objects in their bodies, though segments hold them as JSON. Of `arguments` it depends on the
# dialect: they are JSON in a string at OpenAI's and Cohere's, objects at the others.
_OBJECTS = frozenset({"args", "input", "inputSchema", "input_schema", "parameters", "response", "structuredContent"})
_OBJECT_ARGUMENTS = frozenset({"mcp", "ollama.chat"})


def request_body(exchange: Exchange) -> Json:
    """What was asked; None where no body is kept."""
    request = exchange.request
    return rebuilt(request.body, request.segments, dialect=exchange.endpoint.dialect)


def response_body(exchange: Exchange) -> Json:
    """What was answered, a streamed answer as the whole that it amounts to; None where none came."""
    response, dialect = exchange.response, exchange.endpoint.dialect
    if response is None:
        return None
    if response.body is not None:
        return rebuilt(response.body, response.segments, dialect=dialect)
    return assembled(response, dialect=dialect)


def body_text(body: Json) -> str | None:
    """A body as JSON; None where an object in a text is nested deeper than can be written."""
    try:
        return orjson.dumps(body).decode()
    except orjson.JSONEncodeError:  # too deep, a number above 64 bits, or half a surrogate pair
        try:
            return json.dumps(body)
        except RecursionError:
            return None


def rebuilt(body: Json, segments: Iterable[Segment], *, dialect: str) -> Json:
    """The document of a skeleton: each `{"$text": hash}` is its text again, or the object that the text stands for."""
    texts = {segment.hash: segment for segment in segments}
    return _filled(body, texts, "", dialect, 0)


def assembled(response: Response, *, dialect: str) -> Json:
    """A streamed answer as the body that an unstreamed one would have: its texts at their places, its id and model."""
    root: dict[str, Json] = {}
    for segment in response.segments:
        keys = [_plain(key) for key in segment.path[1:].split("/")] if segment.path else []
        if keys and len(keys) <= _DEPTH:
            _put(root, keys, _value(segment, keys[-1], dialect))
    named = {"id": response.id, "model": response.model}
    return {**{key: value for key, value in named.items() if value is not None and key not in root}, **root}


def _filled(value: Json, texts: dict[str, Segment], key: str, dialect: str, depth: int) -> Json:
    if depth > 2 * _DEPTH:
        return None
    if isinstance(value, dict):
        name = value.get("$text")
        if len(value) == 1 and isinstance(name, str):
            segment = texts.get(name)
            return value if segment is None else _value(segment, key, dialect)
        return {name: _filled(item, texts, name, dialect, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, texts, key, dialect, depth + 1) for item in value]
    return value


def _value(segment: Segment, key: str, dialect: str) -> Json:
    """A text as it stood in the body: where an object stood, its JSON read again, as far as masking left it whole."""
    text = segment.text
    if not text.startswith(("{", "[")) or not _was_object(segment.part, key, dialect):
        return text
    document, problem = parse(text.encode("utf-8", "replace"))
    return text if problem else document


def _was_object(part: Part, key: str, dialect: str) -> bool:
    if part is Part.TOOL_DEFINITION:
        return True
    if part not in (Part.TOOL_CALL, Part.TOOL_RESULT):
        return False
    return key in _OBJECTS or (key == "arguments" and dialect in _OBJECT_ARGUMENTS)


def _put(root: dict[str, Json], keys: list[str], value: Json) -> None:
    """Set what is at a place, with the objects and lists on the way there; not where a text stands on it."""
    place: Json = root
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        fresh: Json = value if following is None else [] if following.isdecimal() else {}
        if isinstance(place, dict):
            place = place.setdefault(key, fresh)
        elif isinstance(place, list) and key.isdecimal() and len(key) < 6 and int(key) < _MOST_PLACES:
            place.extend([None] * (int(key) + 1 - len(place)))
            if place[int(key)] is None:
                place[int(key)] = fresh
            place = place[int(key)]
        else:
            return


def _plain(key: str) -> str:
    return key.replace("~1", "/").replace("~0", "~") if "~" in key else key
