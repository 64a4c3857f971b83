"""Sealing an exchange: keyed hashes for its texts, and the skeleton of its bodies, before it leaves the worker."""

import hashlib
from collections.abc import Iterable

from midwatch_core.model.changing import changed
from midwatch_core.model.content import Json, Request, Response
from midwatch_core.model.segment import Segment
from midwatch_core.wire.credentials import without_credential
from midwatch_core.wire.decoding import DecodedRequest, DecodedResponse

# A string that is no segment (an image in base64, a signature) is kept by its size alone when it is longer.
_LONG_STRING = 256
# orjson writes no deeper; nobody reads deeper.
_DEPTH = 64
_AS_THEY_ARE = frozenset({int, float, bool, type(None)})
_HASH_DIGITS = 32
_BLOCK_BYTES = 64
# Kept for as many tenants at most; another is made anew.
_MOST_SEALERS = 10_000


class Sealer:
    """Hashes texts with the installation's key, scoped by tenant: equal texts of two tenants have different hashes.

    SHA-256, which today's processors have in hardware, over a block of key, a block of tenant and the text, cut to
    half its length: who does not know the other half cannot extend a hash.
    """

    def __init__(self, key: bytes, tenant: str) -> None:
        blocks = (hashlib.sha256(part).digest().ljust(_BLOCK_BYTES, b"\0") for part in (key, tenant.encode()))
        self._base = hashlib.sha256(b"".join(blocks))

    def hash(self, text: str) -> str:
        """32 hex digits for a text."""
        state = self._base.copy()
        state.update(text.encode("utf-8", "replace"))
        return state.hexdigest()[:_HASH_DIGITS]

    def hashed(self, decoded: DecodedRequest) -> DecodedRequest:
        """The decoded request with its hashes, by which texts seen before are known."""
        segments = self.segments(decoded.request.segments)
        return DecodedRequest(request=changed(decoded.request, segments=segments), document=decoded.document)

    def request(self, decoded: DecodedRequest) -> Request:
        """The request with its hashes and skeleton."""
        segments = self.segments(decoded.request.segments)
        return changed(decoded.request, segments=segments, body=skeleton(decoded.document, segments))

    def response(self, decoded: DecodedResponse) -> Response:
        """The response with its hashes and, where it was sent whole, its skeleton."""
        segments = self.segments(decoded.response.segments)
        body = skeleton(decoded.document, segments) if decoded.document is not None else None
        return changed(decoded.response, segments=segments, body=body)

    def segments(self, segments: Iterable[Segment]) -> tuple[Segment, ...]:
        """The segments with their hashes; one that has its hash keeps it."""
        return tuple(
            item if item.hash else Segment(part=item.part, path=item.path, text=item.text, hash=self.hash(item.text))
            for item in segments
        )


class Sealers:
    """The sealer of each tenant, made when its first call comes."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._made: dict[str, Sealer] = {}

    def of(self, tenant: str) -> Sealer:
        """The sealer of this tenant."""
        made = self._made.get(tenant)
        if made is None:
            if len(self._made) >= _MOST_SEALERS:
                self._made.clear()
            made = self._made[tenant] = Sealer(self._key, tenant)
        return made


def skeleton(document: Json, segments: Iterable[Segment]) -> Json:
    """The document with each segment as `{"$text": hash}` and other long strings as `{"$omitted": characters}`."""
    return _bare(document, _places(segments), 0)


# Where segments are: by key or index down to a hash. Walking it beside the document spares a path for every value.
type _Places = dict[str, _Places | str]


def _places(segments: Iterable[Segment]) -> _Places | str | None:
    root: _Places = {}
    for segment in segments:
        if not segment.path:
            return segment.hash
        *parents, last = segment.path[1:].split("/")
        place = root
        for key in parents:
            below = place.setdefault(_plain(key), {})
            if isinstance(below, str):  # inside another segment: that one holds it
                break
            place = below
        else:
            place[_plain(last)] = segment.hash
    return root


def _plain(key: str) -> str:
    return key.replace("~1", "/").replace("~0", "~") if "~" in key else key


def _bare(value: Json, places: _Places | str | None, depth: int) -> Json:
    """Hot: one call a container, not one a value."""
    if type(places) is str:
        return {"$text": places}
    if type(value) is dict:
        if depth >= _DEPTH:
            return {"$omitted": len(value)}
        below = places if isinstance(places, dict) else {}
        return {
            key: item
            if type(item) in _AS_THEY_ARE and key not in below
            else _leaf_or_deeper(without_credential(key, item), below.get(key), depth)
            for key, item in value.items()
        }
    if type(value) is list:
        return _bare_list(value, places, depth)
    return _leaf_or_deeper(value, None, depth)


def _bare_list(value: list[Json], places: _Places | str | None, depth: int) -> Json:
    if depth >= _DEPTH or (len(value) > _LONG_STRING and type(value[0]) in (int, float)):  # embeddings, token ids
        return {"$omitted": len(value)}
    if not isinstance(places, dict) or not places:
        return [_leaf_or_deeper(item, None, depth) for item in value]
    return [_leaf_or_deeper(item, places.get(str(index)), depth) for index, item in enumerate(value)]


def _leaf_or_deeper(value: Json, places: _Places | str | None, depth: int) -> Json:
    kind = type(value)
    if places is not None or kind is dict or kind is list:
        return _bare(value, places, depth + 1)
    if kind is str and len(value) > _LONG_STRING:  # type: ignore[arg-type]  # a string: `type` does not narrow
        return {"$omitted": len(value)}  # type: ignore[arg-type]
    return value
