"""The assembly of a streamed answer: deltas in, one growing text a block, and what the answer said so far."""

from collections.abc import Callable

from midwatch_core.model.content import FinishReason, ProviderError, Response, ToolCall
from midwatch_core.model.segment import Part, Segment
from midwatch_core.model.stream import StreamEvent, StreamKind
from midwatch_core.model.usage import Usage
from midwatch_core.wire.jsontext import compact, parse

_KIND_OF_PART = {
    Part.ASSISTANT: StreamKind.TEXT,
    Part.REASONING: StreamKind.REASONING,
    Part.TOOL_CALL: StreamKind.TOOL_ARGUMENTS,
    Part.TOOL_RESULT: StreamKind.TOOL_RESULT,
    Part.DOCUMENT: StreamKind.TOOL_RESULT,
    Part.TOOL_DEFINITION: StreamKind.TOOL_RESULT,  # an MCP server's list of tools
}

# More than any model writes, in one text, in one answer and in number; what comes beyond is dropped from the record
# and the response says so.
MAX_TEXT_BYTES = 16 * 1024 * 1024
MAX_TEXTS_BYTES = 32 * 1024 * 1024
MAX_BLOCKS = 16_384


class Block:
    """One text of the answer under way: a message's content, a reasoning, a tool call's arguments."""

    __slots__ = ("_dirty", "_pending", "_text", "is_json", "part", "path", "tool_id", "tool_name", "truncated")

    def __init__(self, part: Part, path: str, dirty: "list[Block]") -> None:
        """`dirty` is the assembly's list of blocks to be flushed: a block with a first pending delta joins it."""
        self._dirty = dirty
        self.part = part
        self.path = path
        self.tool_id: str | None = None
        self.tool_name: str | None = None
        self.truncated = False
        # Set where the unstreamed answer has an object in this place: the segment is then its compact JSON.
        self.is_json = False
        # One bytearray, not a list of tokens: 12 KB instead of 108 for 2,000 tokens.
        self._text = bytearray()
        self._pending: list[str] = []

    def append(self, delta: str) -> None:
        """Add a delta. Hot: it only remembers; `flush` does the work once a read. Raises TypeError for no string."""
        if type(delta) is not str:
            raise TypeError(f"{self.path}: expected a string, found {type(delta).__name__}")
        if not self._pending:
            self._dirty.append(self)
        self._pending.append(delta)

    def flush(self, room: int = MAX_TEXT_BYTES) -> str:
        """What was appended since the last flush; `room` is how many bytes more may be kept of it."""
        delta = "".join(self._pending)
        self._pending.clear()
        encoded = delta.encode("utf-8", "replace")
        if self.truncated or len(encoded) > min(room, MAX_TEXT_BYTES - len(self._text)):
            self.truncated = True
        else:
            self._text += encoded
        return delta

    @property
    def size(self) -> int:
        """Bytes kept so far."""
        return len(self._text)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was appended yet."""
        return not self._text and not any(self._pending)

    @property
    def text(self) -> str:
        """All that was flushed; compact where it is JSON."""
        text = self._text.decode()
        if self.is_json:
            value, problem = parse(bytes(self._text))
            return text if problem else compact(value) or text
        return text


class Assembly:
    """What a dialect fills while it reads a stream. One object an answer; not shared, not frozen."""

    __slots__ = (
        "_blocks",
        "_dirty",
        "_events",
        "_kept_bytes",
        "_trouble",
        "audio_bytes",
        "complete",
        "error",
        "finish_reason",
        "id",
        "model",
        "raw_finish_reason",
        "service_tier",
        "usage",
        "usage_source",
    )

    def __init__(self) -> None:
        self.model: str | None = None
        self.id: str | None = None
        self.usage: Usage | None = None
        # For streams that count anew in every event: what reads the last count when the answer is put together.
        self.usage_source: Callable[[], Usage | None] | None = None
        self.service_tier: str | None = None
        self.finish_reason: FinishReason | None = None
        self.raw_finish_reason: str | None = None
        self.error: ProviderError | None = None
        # Audio is counted, and not kept.
        self.audio_bytes = 0
        # Set by the dialect at the terminal event: the client has all it waits for and may leave.
        self.complete = False
        self._blocks: dict[str, Block] = {}
        self._dirty: list[Block] = []
        self._kept_bytes = 0
        self._events: list[StreamEvent] = []
        self._trouble: str | None = None

    def block(self, part: Part, path: str) -> Block:
        """The block at `path`, made on first use."""
        block = self._blocks.get(path)
        if block is None:
            block = Block(part, path, self._dirty)
            if len(self._blocks) < MAX_BLOCKS:
                self._blocks[path] = block
            else:  # its events still come, but it is not kept
                self.note(f"more than {MAX_BLOCKS} texts in one answer")
        return block

    def tool(self, path: str, tool_id: str | None, name: str | None) -> Block:
        """The tool call whose arguments are at `path`; an id or name that comes again is ignored."""
        block = self.block(Part.TOOL_CALL, path)
        block.tool_id = block.tool_id or tool_id
        block.tool_name = block.tool_name or name
        return block

    def report_usage(self, usage: Usage) -> None:
        """The usage as known now: a later report replaces it."""
        self.usage = usage
        self._events.append(StreamEvent(kind=StreamKind.USAGE, usage=usage))

    def finish(self, reason: FinishReason | None, raw: str | None) -> None:
        """The model stopped."""
        self.finish_reason = reason
        self.raw_finish_reason = raw
        self._events.append(StreamEvent(kind=StreamKind.FINISH, finish_reason=reason))

    def fail(self, error: ProviderError) -> None:
        """The provider reported an error in the stream."""
        self.error = error
        self.finish_reason = FinishReason.ERROR
        self._events.append(StreamEvent(kind=StreamKind.ERROR, error=error))

    def note(self, message: str) -> None:
        """Keep the first thing that could not be read."""
        if self._trouble is None:
            self._trouble = message

    def drain(self) -> list[StreamEvent]:
        """The events since the last drain: one a block that grew, then usage, finish and errors."""
        events = []
        for block in self._dirty:
            before = block.size
            if delta := block.flush(MAX_TEXTS_BYTES - self._kept_bytes):
                events.append(
                    StreamEvent(kind=_KIND_OF_PART.get(block.part, StreamKind.TEXT), path=block.path, text=delta)
                )
                self._kept_bytes += block.size - before
        self._dirty.clear()
        if self._events:
            events += self._events
            self._events = []
        return events

    def response(self, body_bytes: int) -> Response:
        """The answer as far as it came."""
        self.drain()
        if self.usage_source is not None:
            self.usage = self.usage_source() or self.usage
        blocks = self._blocks.values()
        if any(block.truncated for block in blocks):
            self.note(f"texts above {MAX_TEXT_BYTES} bytes were cut")
        return Response(
            model=self.model,
            id=self.id,
            segments=tuple(
                Segment(part=block.part, path=block.path, text=text)
                for block in blocks
                if (text := block.text) or block.tool_name
            ),
            tool_calls=tuple(
                ToolCall(id=block.tool_id, name=block.tool_name, path=block.path) for block in blocks if block.tool_name
            ),
            finish_reason=self.finish_reason,
            raw_finish_reason=self.raw_finish_reason,
            usage=self.usage,
            service_tier=self.service_tier,
            error=self.error,
            complete=self.complete,
            body_bytes=body_bytes,
            audio_bytes=self.audio_bytes,
            decode_error=self._trouble,
        )
