"""The stream of an invocation: chunks, each with an event in the format of its model, and Bedrock's own metrics."""

from typing import Any

from midwatch_core.model.content import FinishReason
from midwatch_core.model.usage import Usage
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import StreamReader
from midwatch_core.wire.dialects.bedrock.errors import is_failure
from midwatch_core.wire.dialects.bedrock.finish import model_reason
from midwatch_core.wire.dialects.bedrock.forms import form_of_event
from midwatch_core.wire.dialects.bedrock.stream import ConverseStream
from midwatch_core.wire.dialects.bedrock.text_stream import TextStream
from midwatch_core.wire.dialects.bedrock.texts import format_of_event
from midwatch_core.wire.dialects.bedrock.usage import read_metrics
from midwatch_core.wire.eventstream import CHUNK
from midwatch_core.wire.jsontext import load
from midwatch_core.wire.node import Node, Trouble

METRICS = "amazon-bedrock-invocationMetrics"
_METRICS = METRICS.encode()
# A guardrail's word instead of the model's: then there are no metrics.
GUARDRAIL = "amazon-bedrock-guardrailAction"
INTERVENED = "INTERVENED"
_INTERVENED = INTERVENED.encode()
_STOPPED = b'"stop_reason"'


class InvokeStream:
    """Reads one streamed answer (see `StreamReader`): its first telling event decides whose format it is."""

    __slots__ = ("_assembly", "_reader")

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._reader: StreamReader | None = None

    def event(self, name: str, data: bytes) -> None:
        """Read one event. Raises ValueError for a chunk of a format that is not known."""
        if name != CHUNK:
            if is_failure(name):
                ConverseStream(self._assembly).fail(name, load(data))
            return
        if self._reader is None:
            self._reader = _reader_for(load(data), self._assembly)
        try:
            if self._reader is not None:
                self._reader.event("", data)
        finally:
            self._close(data)
        if self._reader is None and _METRICS not in data:
            raise ValueError("a chunk of a format that is not known")

    def end(self) -> None:
        """An answer that finished before its transport did is whole."""
        if self._reader is not None:
            self._reader.end()

    def _close(self, data: bytes) -> None:
        """What may stand in the last chunk beside the model's own event."""
        if _STOPPED in data and self._assembly.raw_finish_reason is None:
            self._finish(load(data))
        if _INTERVENED in data and load(data).get(GUARDRAIL) == INTERVENED:
            self._assembly.finish(FinishReason.CONTENT_FILTER, self._assembly.raw_finish_reason or INTERVENED)
            self._assembly.complete = True
        if _METRICS in data:
            self._measure(read_metrics(Node(load(data), Trouble())[METRICS]))

    def _measure(self, usage: Usage | None) -> None:
        """Bedrock's own count, in the last chunk.

        Where the model's format counts too, that says more (what a cache took and for how long, reasoning), and of
        streamed tool calls it counts all, as both do in a whole answer; the metrics of a stream were seen to miss some.
        """
        if usage is not None and self._known() is None:
            self._assembly.report_usage(usage)
        self._assembly.complete = True

    def _known(self) -> object:
        source = self._assembly.usage_source
        return self._assembly.usage or (source() if source is not None else None)

    def _finish(self, event: dict[str, Any]) -> None:
        """Mistral's conversations say it by another name than OpenAI's."""
        for choice in event.get("choices") or ():
            raw = choice.get("stop_reason")
            if isinstance(raw, str):
                self._assembly.finish(model_reason(raw), raw)
                return


def _reader_for(event: object, assembly: Assembly) -> StreamReader | None:
    form = form_of_event(event)
    if form is not None:
        return form.stream_reader(assembly)
    texts = format_of_event(event)
    return TextStream(assembly, texts) if texts is not None else None
