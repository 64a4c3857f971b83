"""Speech that comes in events, with its usage at the end."""

from midwatch_core.model.content import FinishReason
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialects.openai.errors import read_stream_error
from midwatch_core.wire.dialects.openai.realtime_items import audio_bytes_of
from midwatch_core.wire.dialects.openai.responses_outcome import read_responses_usage
from midwatch_core.wire.jsontext import load
from midwatch_core.wire.node import Node, Trouble


class SpeechStream:
    """Reads `speech.audio.delta`, whose sound is counted, and `speech.audio.done`."""

    __slots__ = ("_assembly",)

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    def event(self, name: str, data: bytes) -> None:
        """Read one event."""
        if data.startswith(b"[DONE]"):
            self._assembly.complete = True
            return
        event = load(data)
        kind = event.get("type") or name
        if kind == "speech.audio.delta":
            self._assembly.audio_bytes += audio_bytes_of(event["audio"])
        elif kind == "speech.audio.done":
            if usage := read_responses_usage(Node(event.get("usage"), Trouble()), ()):
                self._assembly.report_usage(usage)
            self._assembly.finish(FinishReason.STOP, "done")
            self._assembly.complete = True
        elif error := read_stream_error(event):
            self._assembly.fail(error)

    def end(self) -> None:
        """An error has no other end."""
        self._assembly.complete = self._assembly.complete or self._assembly.error is not None
