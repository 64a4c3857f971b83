"""A request's body as an OTLP message: encodings undone within a bound, protobuf or JSON read.

https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
"""

import binascii
from base64 import b64encode
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import DecodeError, Message

from midwatch_core import DecompressionError, decompressor_for

MAX_BODY_BYTES = 16 * 1024 * 1024
"""What a body may have, as it came and unpacked."""

# A piece is unpacked at a time, so that a bomb is seen long before it has burst.
_PIECE_BYTES = 4096
_ID_BYTES = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


class Encoding(StrEnum):
    """OTLP's two encodings, by their media types."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


class BadBodyError(ValueError):
    """A body that is not what it says it is."""


class TooLargeError(ValueError):
    """A body beyond the bound."""


def unpacked(body: bytes, content_encoding: str) -> bytes:
    """The body without its content-encoding. Raises BadBodyError, TooLargeError."""
    try:
        decompressor = decompressor_for(content_encoding)
        if decompressor is None:
            return body
        pieces, size = [], 0
        for start in range(0, len(body), _PIECE_BYTES):
            pieces.append(decompressor.feed(body[start : start + _PIECE_BYTES]))
            size += len(pieces[-1])
            if size > MAX_BODY_BYTES:
                raise TooLargeError(f"unpacked it has more than {MAX_BODY_BYTES} bytes")
    except DecompressionError as error:
        raise BadBodyError(str(error)) from error
    return b"".join(pieces)


def read_message[M: Message](body: bytes, encoding: Encoding, message: M) -> M:
    """Fill `message` from a body. Raises BadBodyError."""
    try:
        if encoding is Encoding.PROTOBUF:
            message.ParseFromString(body)
            return message
        document = orjson.loads(body)
        _mend_ids(document)
        ParseDict(document, message, ignore_unknown_fields=True)
    except (DecodeError, ParseError, ValueError, TypeError, AttributeError) as error:
        raise BadBodyError(f"no {type(message).__name__} in {encoding.value}: {error}"[:500]) from error
    return message


def write_message(message: Message, encoding: Encoding) -> bytes:
    """An answer in the request's encoding."""
    return message.SerializeToString() if encoding is Encoding.PROTOBUF else orjson.dumps(MessageToDict(message))


def _mend_ids(document: Any) -> None:
    """Ids are hex in OTLP's JSON, base64 in protobuf's: read as they are, they would give other bytes, silently.

    Raises BadBodyError for an id that is no hex. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
    """
    for span in _spans_in(document):
        for item in (span, *_dicts(span.get("links"))):
            for name in _ID_BYTES:
                if item.get(name):
                    item[name] = _mended(name, item[name])


def _mended(name: str, value: Any) -> str:
    try:
        return b64encode(bytes.fromhex(value)).decode()
    except (TypeError, ValueError, binascii.Error):
        raise BadBodyError(f"{name}: {2 * _ID_BYTES[name]} hex digits are an id") from None


def _spans_in(document: Any) -> Iterator[dict[str, Any]]:
    groups = document.get("resourceSpans") if isinstance(document, dict) else None
    for group in _dicts(groups):
        for scope in _dicts(group.get("scopeSpans")):
            yield from _dicts(scope.get("spans"))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
