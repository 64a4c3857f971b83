"""What a viewer keeps of a flow: answers that streamed by, and metadata that can be written to a file."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from mitmproxy import ctx, http

from midwatch.viewer.notes import is_noted
from midwatch_core.guarded import Guard

_OURS = "midwatch_"
_SAVED = (bool, int, float, str, bytes, dict)

type Stream = Callable[[bytes], bytes | Iterable[bytes]]


class FlowMetadata(dict[str, Any]):
    """A flow's metadata, in which our addons keep what they need while its call is under way.

    mitmproxy copies all of it when a flow is saved, duplicated or edited, and can't write what is no plain value.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: copy.deepcopy(value, memo) for key, value in self.items() if _is_saved(key, value)}

    def release(self) -> None:
        """The call is over: what was kept for it goes."""
        for key in [key for key, value in self.items() if not _is_saved(key, value)]:
            del self[key]


def _is_saved(key: str, value: object) -> bool:
    return not key.startswith(_OURS) or isinstance(value, _SAVED)


class MetadataKeeping:
    """One idea: flows get their metadata before any of our addons writes to it. The first of them."""

    name = "midwatch_metadata"

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel begins."""
        flow.metadata = FlowMetadata(flow.metadata)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A request begins."""
        flow.metadata = FlowMetadata(flow.metadata)


class KeptStream:
    """The pieces of an answer on their way, and a copy of them, unless they are more than may be kept.

    The copy is put in its place at the stream's end: before mitmproxy's own addons save or print the flow.
    """

    def __init__(self, response: http.Response, stream: Stream, most_bytes: int) -> None:
        self._response = response
        self._stream = stream
        self._most_bytes = most_bytes
        self._body: bytearray | None = bytearray()

    def __call__(self, chunk: bytes) -> bytes | list[bytes]:
        """What goes out instead of `chunk`."""
        out = self._stream(chunk)
        pieces = [out] if isinstance(out, bytes) else list(out)
        for piece in pieces:
            self._keep(piece)
        if not chunk:
            self.end()
        return out if isinstance(out, bytes) else pieces

    def end(self) -> None:
        """The answer is there as far as it came; None where it was too much."""
        self._response.raw_content = None if self._body is None else bytes(self._body)

    def _keep(self, piece: bytes) -> None:
        if self._body is None or len(self._body) + len(piece) > self._most_bytes:
            self._body = None
        else:
            self._body += piece


class BodyKeeping:
    """One idea: a call's answer passes as it comes, and is there to be looked at when it has passed. The last addon.

    What is no call leaves no copy, as everywhere; where `store_streamed_bodies` is set, mitmproxy makes its own.
    """

    name = "midwatch_bodies"

    def __init__(self, most_bytes: int, guard: Guard) -> None:
        self._most_bytes = most_bytes
        self._guard = guard

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """An answer begins."""
        self._guard.call("viewer.keep", self._begin, flow)

    def response(self, flow: http.HTTPFlow) -> None:
        """It ends."""
        self._guard.call("viewer.keep", self._end, flow)

    def error(self, flow: http.HTTPFlow) -> None:
        """It breaks off: what came of it is kept."""
        self._guard.call("viewer.keep", self._end, flow)

    def _begin(self, flow: http.HTTPFlow) -> None:
        response = flow.response
        if response is None or not is_noted(flow) or ctx.options.store_streamed_bodies:
            return
        if callable(response.stream):
            response.stream = KeptStream(response, response.stream, self._most_bytes)
        elif response.stream:
            response.stream = KeptStream(response, _unchanged, self._most_bytes)

    def _end(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None and isinstance(flow.response.stream, KeptStream):
            flow.response.stream.end()
            flow.response.stream = True
        if flow.websocket is None and isinstance(flow.metadata, FlowMetadata):
            flow.metadata.release()


def _unchanged(chunk: bytes) -> bytes:
    return chunk
