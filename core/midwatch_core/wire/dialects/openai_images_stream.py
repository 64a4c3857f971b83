"""The stream of OpenAI's Images: pictures as they are drawn, of which only the end says something."""

from midwatch_core.model.content import FinishReason
from midwatch_core.model.usage import Usage
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialects.openai_errors import read_stream_error
from midwatch_core.wire.dialects.openai_responses_outcome import read_responses_usage
from midwatch_core.wire.jsontext import load
from midwatch_core.wire.node import Node, Trouble

_ENDS = ("image_generation.completed", "image_edit.completed")


class ImagesStream:
    """Reads `image_generation.*` and `image_edit.*` events. Each picture ends with one that has its usage."""

    __slots__ = ("_assembly", "_read", "_written")

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._read = 0
        self._written = 0

    def event(self, name: str, data: bytes) -> None:
        """Read one event; partial pictures are passed over."""
        if data.startswith(b"[DONE]"):
            self.end()
            return
        event = load(data)
        if (event.get("type") or name) in _ENDS:
            self._add(Node(event["usage"], Trouble()) if event.get("usage") else None)
            self._assembly.finish(FinishReason.STOP, "completed")
        elif error := read_stream_error(event):
            self._assembly.fail(error)

    def end(self) -> None:
        """The stream has no other end than its transport's: how many pictures come, no event says."""
        if self._assembly.finish_reason is not None:
            self._assembly.complete = True

    def _add(self, said: Node | None) -> None:
        usage = read_responses_usage(said, ()) if said is not None else None
        if usage is None:
            return
        self._read += usage.input_tokens or 0
        self._written += usage.output_tokens or 0
        first = self._assembly.usage is None
        total = Usage(input_tokens=self._read, output_tokens=self._written)
        self._assembly.report_usage(usage if first else total)
