"""The journal's frame: one exchange as bytes, from a worker to the control process."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from midwatch_core.errors import MidwatchError
from midwatch_core.model.exchange import Exchange

VERSION = 1
_INTEGER_BITS = 63
_FLOAT_BITS = 1024
_LONGEST_HEX = 64


class FrameError(MidwatchError):
    """A frame that is no exchange of a version known here."""


def _plain(value: object) -> str:
    """Decimals travel as text: a cost must not lose digits."""
    return str(value)


def encode(exchange: Exchange) -> bytes:
    """The frame of an exchange."""
    try:
        return orjson.dumps({"version": VERSION, "exchange": exchange}, default=_plain)
    except orjson.JSONEncodeError:
        # A number above 64 bits, or half a surrogate pair, in a stranger's JSON.
        return orjson.dumps({"version": VERSION, "exchange": _mended(asdict(exchange))}, default=_plain)


def _mended(value: Any) -> Any:
    """What orjson can write: long numbers as floats, longer ones as their first hex digits; surrogates as `?`."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and value.bit_length() > _INTEGER_BITS:
        return float(value) if value.bit_length() < _FLOAT_BITS else hex(value)[:_LONGEST_HEX]
    if isinstance(value, Mapping):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return [_mended(item) for item in value] if isinstance(value, list | tuple) else value


def slim(frame: bytes) -> bytes:
    """The same frame without its texts and skeletons: what is written when the disk is nearly full."""
    document = orjson.loads(frame)
    for side in ("request", "response"):
        content = document["exchange"][side]
        if content is None:
            continue
        content["body"] = None
        content["decode_error"] = content["decode_error"] or "texts left out: the disk was full"
        for segment in content["segments"]:
            segment["text"] = ""
    return orjson.dumps(document)


class FrameDecoder:
    """Frames back into exchanges. Building it compiles the types' validators: make one and keep it."""

    def __init__(self) -> None:
        self._adapter = TypeAdapter(Exchange)

    def decode(self, frame: bytes) -> Exchange:
        """The exchange of a frame. Raises FrameError."""
        try:
            document = orjson.loads(frame)
            if document["version"] != VERSION:
                raise FrameError(f"frame version {document['version']!r}, this is version {VERSION}")
            return self._adapter.validate_python(document["exchange"], strict=False)
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise FrameError(f"not a frame: {error}"[:500]) from error

    def restore(self, document: Mapping[str, object]) -> Exchange:
        """The exchange of a document as `encode` wrote it, already read from JSON. Raises FrameError."""
        try:
            return self._adapter.validate_python(document, strict=False)
        except (ValueError, TypeError, ValidationError) as error:
            raise FrameError(f"not an exchange: {error}"[:500]) from error
