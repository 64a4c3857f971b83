"""One answer of the Realtime protocol, event by event: a response, or the transcription of what the user said."""

from collections.abc import Iterable, Sequence
from typing import Any

from midwatch_core.model.content import FinishReason, ProviderError
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly, Block
from midwatch_core.wire.dialects.openai.choice import as_text, checked_index
from midwatch_core.wire.dialects.openai.realtime_items import audio_bytes_of, read_realtime_item
from midwatch_core.wire.dialects.openai.realtime_outcome import read_realtime_outcome, read_realtime_usage
from midwatch_core.wire.dialects.openai.responses_outcome import Outcome
from midwatch_core.wire.dialects.openai.responses_stream import ResponsesStreamReader
from midwatch_core.wire.node import Node, Trouble

_TEXT = (Part.ASSISTANT, "content_index", "content/{}/text")
_TRANSCRIPT = (Part.ASSISTANT, "content_index", "content/{}/transcript")
_ARGUMENTS = (Part.TOOL_CALL, "", "arguments")
# As in the Responses API. The names without `output_` are of the beta, which Azure and others still speak.
DELTAS = {
    "response.output_text.delta": _TEXT,
    "response.text.delta": _TEXT,
    "response.output_audio_transcript.delta": _TRANSCRIPT,
    "response.audio_transcript.delta": _TRANSCRIPT,
    "response.function_call_arguments.delta": _ARGUMENTS,
    "response.mcp_call_arguments.delta": _ARGUMENTS,
}
LAST = frozenset({"response.done"})
# Events of the conversation that say an answer's item again.
TOLD_AGAIN = frozenset(
    {
        "conversation.item.added",
        "conversation.item.created",
        "conversation.item.done",
        "conversation.item.retrieved",
    }
)
TRANSCRIPTION = "conversation.item.input_audio_transcription."


class RealtimeStreamReader(ResponsesStreamReader):
    """Reads the events of one response until `response.done`, or of one transcription until it is completed."""

    __slots__ = ()

    deltas = DELTAS
    last = LAST

    def __init__(self, assembly: Assembly) -> None:
        super().__init__(assembly)
        self._handlers |= {
            "response.output_audio.delta": self._hear,
            "response.audio.delta": self._hear,
            TRANSCRIPTION + "delta": self._transcribe,
            TRANSCRIPTION + "completed": self._end_transcription,
            TRANSCRIPTION + "failed": self._fail_transcription,
        }

    def _hear(self, event: dict[str, Any]) -> None:
        self._assembly.audio_bytes += audio_bytes_of(event["delta"])

    def _read_texts(self, item: Node) -> Iterable[Segment]:
        return read_realtime_item(item, Part.ASSISTANT)

    def _read_outcome(self, response: Node, items: Sequence[Node]) -> Outcome:
        return read_realtime_outcome(response, items)

    def _transcribe(self, event: dict[str, Any]) -> None:
        if delta := event.get("delta"):
            self._transcript(event).append(delta)

    def _end_transcription(self, event: dict[str, Any]) -> None:
        self._assembly.complete = True
        self._assembly.finish(FinishReason.STOP, None)
        if usage := read_realtime_usage(Node(event.get("usage"), Trouble())):
            self._assembly.report_usage(usage)
        block = self._transcript(event)
        if block.is_empty:
            block.append(event["transcript"])

    def _fail_transcription(self, event: dict[str, Any]) -> None:
        self._assembly.complete = True
        error = event["error"]
        kind = as_text(error.get("type")) or as_text(error.get("code"))
        self._assembly.fail(ProviderError(type=kind, message=as_text(error.get("message"))))

    def _transcript(self, event: dict[str, Any]) -> Block:
        return self._assembly.block(Part.ASSISTANT, transcript_path(event))


def transcript_path(event: dict[str, Any]) -> str:
    """Where the text of a transcription's event stands: in the item of which it is."""
    return f"/content/{checked_index(event.get('content_index') or 0)}/transcript"
