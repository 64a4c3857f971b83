"""The body of an error: a `google.rpc.Status`, of which only the message matters here.

https://opentelemetry.io/docs/specs/otlp/#failures
https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto
"""

import orjson

from midwatch_otel.ingest.decoding import Encoding

# Field 2, which has a length: message.
_MESSAGE_TAG = b"\x12"


def status_body(code: int, message: str, encoding: Encoding) -> bytes:
    """A status in the request's encoding. `code` is gRPC's; clients go by the HTTP status."""
    if encoding is Encoding.JSON:
        return orjson.dumps({"code": code, "message": message})
    text = message.encode()
    return b"\x08" + _varint(code) + _MESSAGE_TAG + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    """https://protobuf.dev/programming-guides/encoding/#varints"""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
