"""The stream of OpenAI's Images: pictures as they are drawn, of which only the end says something."""

from midwatch_core.model.changing import changed
from midwatch_core.model.content import FinishReason
from midwatch_core.model.usage import Usage
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialects.openai.errors import read_stream_error
from midwatch_core.wire.dialects.openai.responses_outcome import read_responses_usage
from midwatch_core.wire.jsontext import load
from midwatch_core.wire.node import Node, Trouble

_ENDS = ("image_generation.completed", "image_edit.completed")


def read_picture_usage(usage: Node) -> Usage | None:
    """Tokens of the models that are billed by them; the output is pictures where nothing says what else."""
    found = read_responses_usage(usage, ())
    if found is None or found.output_image_tokens is not None:
        return found
    return changed(found, output_image_tokens=found.output_tokens)


class ImagesStream:
    """Reads `image_generation.*` and `image_edit.*` events. Each picture ends with one that has its usage."""

    __slots__ = ("_assembly",)

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    def event(self, name: str, data: bytes) -> None:
        """Read one event; partial pictures are passed over."""
        if data.startswith(b"[DONE]"):
            self.end()
            return
        event = load(data)
        if (event.get("type") or name) in _ENDS:
            self._add(read_picture_usage(Node(event.get("usage"), Trouble())))
            self._assembly.finish(FinishReason.STOP, "completed")
        elif error := read_stream_error(event):
            self._assembly.fail(error)

    def end(self) -> None:
        """The stream has no other end than its transport's: how many pictures come, no event says."""
        if self._assembly.finish_reason is not None:
            self._assembly.complete = True

    def _add(self, usage: Usage | None) -> None:
        before = self._assembly.usage
        if usage is not None:
            self._assembly.report_usage(usage if before is None else changed(usage, **_sums(before, usage)))


def _sums(before: Usage, usage: Usage) -> dict[str, int]:
    names = ("input_tokens", "output_tokens", "input_image_tokens", "output_image_tokens")
    return {name: (getattr(before, name) or 0) + (getattr(usage, name) or 0) for name in names}
