"""The journal's frame: one exchange as bytes, from a worker to the control process."""

import json
from collections.abc import Mapping
from dataclasses import asdict

import orjson
from pydantic import TypeAdapter, ValidationError

from midwatch_core.errors import MidwatchError
from midwatch_core.model.exchange import Exchange

VERSION = 1


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
        pass  # a number above 64 bits in a client's JSON
    return json.dumps({"version": VERSION, "exchange": asdict(exchange)}, default=_plain).encode()


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
