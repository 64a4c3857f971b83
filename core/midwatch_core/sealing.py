"""Sealing an exchange: keyed hashes for its texts, and the skeleton of its bodies, before it leaves the worker."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from midwatch_core.model.content import Json, Request, Response
from midwatch_core.model.segment import Segment
from midwatch_core.wire.decoding import DecodedRequest, DecodedResponse

# A string that is no segment (an image in base64, a signature) is kept by its size alone when it is longer.
_LONG_STRING = 256
# orjson writes no deeper; nobody reads deeper.
_DEPTH = 64
_HASH_BYTES = 16


class Sealer:
    """Hashes texts with the installation's key, scoped by tenant: equal texts of two tenants have different hashes."""

    def __init__(self, key: bytes, tenant: str) -> None:
        self._base = hashlib.blake2b(tenant.encode(), key=key[:64], digest_size=_HASH_BYTES)

    def hash(self, text: str) -> str:
        """32 hex digits for a text."""
        state = self._base.copy()
        state.update(text.encode("utf-8", "replace"))
        return state.hexdigest()

    def request(self, decoded: DecodedRequest) -> Request:
        """The request with its hashes and skeleton."""
        segments = self._segments(decoded.request.segments)
        return replace(decoded.request, segments=segments, body=skeleton(decoded.document, segments))

    def response(self, decoded: DecodedResponse) -> Response:
        """The response with its hashes and, where it was sent whole, its skeleton."""
        segments = self._segments(decoded.response.segments)
        body = skeleton(decoded.document, segments) if decoded.document is not None else None
        return replace(decoded.response, segments=segments, body=body)

    def _segments(self, segments: Iterable[Segment]) -> tuple[Segment, ...]:
        return tuple(
            Segment(part=item.part, path=item.path, text=item.text, hash=self.hash(item.text)) for item in segments
        )


def skeleton(document: Json, segments: Iterable[Segment]) -> Json:
    """The document with each segment as `{"$text": hash}` and other long strings as `{"$omitted": characters}`."""
    return _bare(document, "", {item.path: item.hash for item in segments}, 0)


def _bare(value: Json, path: str, hashes: Mapping[str, str], depth: int) -> Json:
    if path in hashes:
        return {"$text": hashes[path]}
    if isinstance(value, str):
        return value if len(value) <= _LONG_STRING else {"$omitted": len(value)}
    if not isinstance(value, dict | list) or not value:
        return value
    if depth >= _DEPTH:
        return {"$omitted": len(value)}
    if isinstance(value, list):
        if all(isinstance(item, int | float) for item in value):  # embeddings, token ids
            return value if len(value) <= _LONG_STRING else {"$omitted": len(value)}
        return [_bare(item, f"{path}/{index}", hashes, depth + 1) for index, item in enumerate(value)]
    return {
        key: _bare(item, f"{path}/{key.replace('~', '~0').replace('/', '~1')}", hashes, depth + 1)
        for key, item in value.items()
    }
