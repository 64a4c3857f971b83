"""Reading a response as it comes: transport bytes in, stream events out, and the whole Response at the end."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from midwatch_core.model.stream import StreamEvent
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.binary import is_binary
from midwatch_core.wire.decoding import DecodedResponse, decode_binary_response, decode_plain_response
from midwatch_core.wire.decompression import DecompressionError, Decompressor, decompressor_for
from midwatch_core.wire.dialect import Dialect, HeadReader, StreamReader
from midwatch_core.wire.eventstream import EventStreamFramer
from midwatch_core.wire.framing import Framer, framer_for

# What an event of an unknown shape may raise in a dialect's reader (see StreamReader).
_SHAPE_ERRORS = (TypeError, KeyError, IndexError, AttributeError, ValueError)
# An answer sent whole is kept until its end to be read; more than this is not kept.
MAX_WHOLE_BYTES = 32 * 1024 * 1024
# Enough to tell SSE from JSON where the content type does not, be there blanks before it.
_HEAD_BYTES = 64


class ResponseDecoder:
    """Decodes one response, streamed or not, from the chunks in which it passes. Never raises; memory is bounded.

    `streamed` is None until the body's kind is known. `complete` turns true at a stream's terminal event: the client
    has all it waits for, so this is the moment to settle.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        status: int,
        content_type: str,
        content_encoding: str,
        asked_to_stream: bool,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`headers` are those that the dialect itself may read, in lower case."""
        self.streamed: bool | None = None
        self.framer: Framer | None = None
        self._dialect = dialect
        self._status = status
        self._content_type = content_type
        self._asked_to_stream = asked_to_stream
        self._headers = headers
        self._assembly = Assembly()
        self._reader: StreamReader | None = None
        self._whole = bytearray()
        # Of sound and pictures the bytes are counted alone.
        self._omitted: int | None = 0 if is_binary(content_type) else None
        self._body_bytes = 0
        self._events_read = 0
        self._problem: str | None = None
        self._decompressor: Decompressor | None = None
        try:
            self._decompressor = decompressor_for(content_encoding)
        except DecompressionError as error:
            self._problem = str(error)
        self._decide(final=False)

    @property
    def complete(self) -> bool:
        """Whether the terminal event of a stream has been read."""
        return self._assembly.complete

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Take the next chunk as it came from the transport; the events that it completes."""
        self._body_bytes += len(chunk)
        data = self._plain(chunk)
        if self._omitted is not None:
            self._omitted += len(data)
            return []
        if self._reader is None:
            data = self._find_kind(data)
        if self._reader is None or self.framer is None:
            return []
        self._read(self.framer.feed(data), self._reader)
        return self._assembly.drain()

    def finish(self, *, in_order: bool = True) -> DecodedResponse:
        """The response as far as it came; `in_order` is false where the transport broke before the body's end."""
        decoded = self._finish(in_order=in_order)
        if not self._headers or not isinstance(self._dialect, HeadReader):
            return decoded
        return replace(decoded, response=self._dialect.with_head(decoded.response, self._headers))

    def _finish(self, *, in_order: bool) -> DecodedResponse:
        if self._reader is None and self._whole:
            self._decide(final=True)
        if self._reader is None or self.framer is None:
            return self._finish_whole(in_order=in_order)
        self._read(self.framer.close(), self._reader)
        if in_order:
            self._reader.end()
        if self.framer.overflowed:
            self._assembly.note("an event larger than may be kept was dropped")
        if isinstance(self.framer, EventStreamFramer) and self.framer.trouble:
            self._assembly.note(self.framer.trouble)
        response = self._assembly.response(self._body_bytes)
        if self._problem and not response.decode_error:
            response = replace(response, decode_error=self._problem)
        return DecodedResponse(response=response, document=None)

    def _plain(self, chunk: bytes) -> bytes:
        if self._problem:
            return b""
        if self._decompressor is None:
            return chunk
        try:
            return self._decompressor.feed(chunk)
        except DecompressionError as error:
            self._problem = f"content-encoding: {error}"
            return b""

    def _find_kind(self, data: bytes) -> bytes:
        """Keep `data` until the kind is known; for a stream, give back all that was kept."""
        if len(self._whole) + len(data) > MAX_WHOLE_BYTES:
            self._problem = self._problem or f"an answer above {MAX_WHOLE_BYTES} bytes was not read in full"
        else:
            self._whole += data
        if self.streamed is None and self._whole:
            self._decide(final=len(self._whole) >= _HEAD_BYTES)
        if self._reader is None:
            return b""
        data = bytes(self._whole)
        self._whole.clear()
        return data

    def _decide(self, *, final: bool) -> None:
        """Streamed or whole? Without a telling content type, wait for a few bytes."""
        if self._omitted is not None:
            self.streamed = False
            return
        self.framer = framer_for(
            self._content_type, asked_to_stream=self._asked_to_stream, head=bytes(self._whole[:_HEAD_BYTES])
        )
        if self.framer is not None:
            self.streamed = True
            self._reader = self._dialect.stream_reader(self._assembly)
        elif final:
            self.streamed = False

    def _read(self, events: list[tuple[str, bytes]], reader: StreamReader) -> None:
        for number, (name, data) in enumerate(events, self._events_read + 1):
            try:
                reader.event(name, data)
            except _SHAPE_ERRORS as error:
                self._assembly.note(f"event {number}: {type(error).__name__}: {error}"[:300])
        self._events_read += len(events)

    def _finish_whole(self, *, in_order: bool) -> DecodedResponse:
        problem = self._problem
        if not in_order:
            problem = problem or "the answer broke off"
        status, size = self._status, self._body_bytes
        if self._omitted is not None:
            decoded = decode_binary_response(self._dialect, self._omitted, status, body_bytes=size, problem=problem)
        else:
            decoded = decode_plain_response(self._dialect, bytes(self._whole), status, body_bytes=size, problem=problem)
        return replace(decoded, response=replace(decoded.response, complete=in_order)) if not in_order else decoded
