"""The stream of Chat Completions and of legacy Completions, chunk by chunk."""

from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.usage import Usage
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialects.openai.choice import StreamedChoice, as_text, checked_index
from midwatch_core.wire.dialects.openai.errors import read_stream_error
from midwatch_core.wire.dialects.openai.finish import finish_reason
from midwatch_core.wire.dialects.openai.usage import read_chat_usage
from midwatch_core.wire.jsontext import load
from midwatch_core.wire.node import Node, Trouble


class ChatStreamReader:
    """Reads `chat.completion.chunk` events. `[DONE]` ends the stream.

    Beside OpenAI's: usage in every chunk, in `x_groq`, in a choice (Moonshot) or in a last chunk without choices;
    Azure's first chunk without choices; an error as a chunk (OpenRouter, vLLM); a whole answer as one event.
    """

    __slots__ = ("_assembly", "_choices", "_reported", "_usage")

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._choices: dict[int, StreamedChoice] = {}
        self._usage: Json = None
        self._reported: Json = None
        assembly.usage_source = self._read_usage

    def event(self, name: str, data: bytes) -> None:
        """Read one chunk."""
        if data.startswith(b"[DONE]"):
            self._assembly.complete = True
            return
        chunk = load(data)
        get = chunk.get
        assembly = self._assembly
        if assembly.model is None or assembly.id is None:
            assembly.model = as_text(get("model")) or assembly.model
            assembly.id = as_text(get("id")) or assembly.id
        for choice in get("choices") or ():
            self._read_choice(choice)
        if (usage := get("usage")) or (usage := _vendor_usage(chunk)):
            self._usage = usage
            if assembly.raw_finish_reason or not get("choices"):
                self._report()
        if tier := get("service_tier"):
            assembly.service_tier = as_text(tier) or assembly.service_tier
        if "error" in chunk or get("object") == "error":
            self._fail(chunk)

    def end(self) -> None:
        """Some servers never send `[DONE]`: an answer that finished or failed before its transport did is whole."""
        if self._assembly.raw_finish_reason or self._assembly.error:
            self._assembly.complete = True

    def _read_choice(self, choice: dict[str, Any]) -> None:
        index = choice.get("index") or 0
        reader = self._choices.get(index)
        if reader is None:
            reader = self._choices[index] = StreamedChoice(self._assembly, checked_index(index))
        if (delta := choice.get("delta")) or (delta := choice.get("message")):
            reader.read(delta)
        elif text := choice.get("text"):
            reader.read_text(text)
        if raw := choice.get("finish_reason"):
            self._finish(index, raw)
        if usage := choice.get("usage"):
            self._usage = usage
            self._report()

    def _finish(self, index: int, word: object) -> None:
        """The first choice's reason counts, another's until then; vendors repeat it in their last chunk."""
        known, raw = self._assembly.raw_finish_reason, as_text(word)
        if raw and raw != known and (known is None or index == 0) and self._assembly.error is None:
            self._assembly.finish(finish_reason(raw), raw)

    def _report(self) -> None:
        """Usage that may be the last: what comes with every token is only read at the end."""
        if self._usage != self._reported and (usage := self._read_usage()):
            self._reported = self._usage
            self._assembly.report_usage(usage)

    def _read_usage(self) -> Usage | None:
        trouble = Trouble()
        usage = read_chat_usage(Node(self._usage, trouble))
        if trouble.first:
            self._assembly.note(f"usage: {trouble.first}")
        return usage

    def _fail(self, chunk: Json) -> None:
        if error := read_stream_error(chunk):
            self._assembly.fail(error)


def _vendor_usage(chunk: dict[str, Any]) -> Json:
    groq = chunk.get("x_groq")
    return groq.get("usage") if groq else None
