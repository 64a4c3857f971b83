"""The stream of a transcript: deltas, the passages of speakers, and the whole text at the end."""

from typing import Any

from midwatch_core.model.content import FinishReason
from midwatch_core.model.segment import Part
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialects.openai.choice import as_text
from midwatch_core.wire.dialects.openai.errors import read_stream_error
from midwatch_core.wire.dialects.openai.finish import finish_reason
from midwatch_core.wire.dialects.openai.transcript_usage import read_transcript_usage
from midwatch_core.wire.jsontext import load
from midwatch_core.wire.node import Node, Trouble


class TranscriptStream:
    """Reads `transcript.text.*` events; `transcript.text.done` ends the stream."""

    __slots__ = ("_assembly", "_passages", "_text")

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._text = assembly.block(Part.ASSISTANT, "/text")
        self._passages = 0

    def event(self, name: str, data: bytes) -> None:
        """Read one event."""
        if data.startswith(b"[DONE]"):
            self._assembly.complete = True
            return
        event = load(data)
        kind = event.get("type") or name
        if kind == "transcript.text.delta":
            self._text.append(event["delta"])
        elif kind == "transcript.text.segment":
            self._assembly.block(Part.ASSISTANT, f"/segments/{self._passages}/text").append(event["text"])
            self._passages += 1
        elif kind == "transcript.text.done":
            self._end(event)
        elif error := read_stream_error(event):
            self._assembly.fail(error)

    def end(self) -> None:
        """An error has no other end."""
        self._assembly.complete = self._assembly.complete or self._assembly.error is not None

    def _end(self, event: dict[str, Any]) -> None:
        if self._text.is_empty:
            self._text.append(event["text"])
        usage = read_transcript_usage(Node(event.get("usage"), Trouble()), Node(None, Trouble()))
        if usage is not None:
            self._assembly.report_usage(usage)
        raw = as_text(event.get("finish_reason"))
        self._assembly.finish(finish_reason(raw) or FinishReason.STOP, raw or "done")
        self._assembly.complete = True
