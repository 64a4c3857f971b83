"""The stream of a model that answers with plain text, for its editor."""

from collections.abc import Iterator, Sequence
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.answering import notice
from midwatch_core.wire.dialects.bedrock.text_stream import called, items_of
from midwatch_core.wire.dialects.bedrock.texts import TextFormat
from midwatch_core.wire.editing.document import mould
from midwatch_core.wire.editing.found import add_delta
from midwatch_core.wire.editing.slot import ALL, Reading, Slot
from midwatch_core.wire.eventstream import CHUNK
from midwatch_core.wire.jsontext import compact, load

_KEPT = ("index", "event_type", "is_finished")


class TextMap:
    """Finds texts in the chunks of one answer (see `StreamMap`)."""

    __slots__ = ("_calls", "_done", "_format")

    def __init__(self, form: TextFormat) -> None:
        self._format = form
        self._calls = 0
        self._done = False

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one chunk."""
        event = load(data)
        found = Reading(document=event)
        form = self._format
        for at, item in enumerate(items_of(event, form)):
            pointer = f"/{form.event_items}/{at}" if form.event_items else ""
            text = item.get(form.event_text)
            add_delta(found, form.path(), Part.ASSISTANT, f"{pointer}/{form.event_text}", text)
            if isinstance(item.get(form.event_finish), str):
                found.closes.append(ALL)
        for number, call in enumerate(called(event)):
            self._call(call, number, found)
        self._repeated(event, found)
        return found

    def _call(self, call: dict[str, Any], number: int, found: Reading) -> None:
        position, self._calls = self._calls, self._calls + 1
        found.slots.append(
            Slot(
                path=f"/tool_calls/{position}/parameters",
                part=Part.TOOL_CALL,
                pointer=f"/tool_calls/{number}/parameters",
                text=compact(call.get("parameters")),
                whole=True,
                json=True,
            )
        )

    def _repeated(self, event: dict[str, Any], found: Reading) -> None:
        """Cohere repeats the whole answer in the last event."""
        whole = event.get("response")
        if isinstance(whole, dict) and isinstance(text := whole.get("text"), str) and text:
            path = self._format.path()
            found.slots.append(Slot(path=path, part=Part.ASSISTANT, pointer="/response/text", text=text, whole=True))

    def sent(self, name: str, document: Any) -> None:
        """Remember the end."""
        items = items_of(document, self._format)
        self._done = self._done or any(isinstance(item.get(self._format.event_finish), str) for item in items)

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """A chunk with only these texts."""
        return CHUNK, mould(document, texts, envelope=_KEPT, kept=_KEPT)

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """A last chunk, without text, that says why."""
        if self._done:
            return
        form = self._format
        item: dict[str, Json] = {form.event_text: "", form.event_finish: form.filtered}
        event: dict[str, Json] = {form.event_items: [item]} if form.event_items else item
        yield CHUNK, compact(event | notice(refusal)).encode()
