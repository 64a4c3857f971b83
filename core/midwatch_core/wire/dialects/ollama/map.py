"""Ollama's streams for their editor."""

from collections.abc import Iterator, Sequence
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.answering import notice
from midwatch_core.wire.editing.document import mould
from midwatch_core.wire.editing.found import add_delta
from midwatch_core.wire.editing.slot import ALL, Reading, Slot
from midwatch_core.wire.jsontext import compact, load

_ENVELOPE = ("model", "created_at")
_KEPT = ("role",)


class OllamaMap:
    """Finds texts in the lines of chat or generate (see `StreamMap`)."""

    __slots__ = ("_calls", "_content", "_current", "_done", "_envelope", "_in_message", "_thinking")

    def __init__(self, *, content: str, thinking: str) -> None:
        """`content` and `thinking` are the paths of the two texts, in a line as in a whole answer."""
        self._content = content
        self._thinking = thinking
        self._in_message = content.startswith("/message/")
        self._calls = 0
        self._current: set[str] = set()
        self._envelope: dict[str, Any] = {}
        self._done = False

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one line."""
        event = load(data)
        found = Reading(document=event)
        if not self._envelope or event.get("created_at"):
            self._envelope = {key: event[key] for key in _ENVELOPE if key in event}
        if message := event.get("message") if self._in_message else event:
            thinking, content = message.get("thinking"), message.get(self._content.rpartition("/")[2])
            add_delta(found, self._thinking, Part.REASONING, self._thinking, thinking)
            add_delta(found, self._content, Part.ASSISTANT, self._content, content)
            for number, call in enumerate(message.get("tool_calls") or ()):
                self._call(call["function"].get("arguments"), number, found)
        if now := {slot.path for slot in found.slots}:
            found.closes += self._current - now
            self._current = now
        if event.get("done") is True or "error" in event:
            found.closes.append(ALL)
        return found

    def _call(self, arguments: Any, number: int, found: Reading) -> None:
        """Calls come whole, in one line or several."""
        position, self._calls = self._calls, self._calls + 1
        if not arguments:
            return
        slot = Slot(
            path=f"/message/tool_calls/{position}/function/arguments",
            part=Part.TOOL_CALL,
            pointer=f"/message/tool_calls/{number}/function/arguments",
            text=arguments if type(arguments) is str else compact(arguments),
            whole=True,
            json=True,
        )
        found.slots.append(slot)

    def sent(self, name: str, document: Any) -> None:
        """Remember the end."""
        self._done = self._done or document.get("done") is True or "error" in document

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """A line with only these texts."""
        line = mould(document, texts, envelope=_ENVELOPE, kept=_KEPT)
        if self._in_message:
            line["message"].setdefault("content", "")
        else:
            line.setdefault("response", "")
        return "", line | {"done": False}

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """A last line."""
        if self._done:
            return
        nothing: dict[str, Any] = (
            {"message": {"role": "assistant", "content": ""}} if self._in_message else {"response": ""}
        )
        line = {"model": "", "created_at": "1970-01-01T00:00:00Z", **self._envelope, **nothing}
        yield "", compact(line | {"done": True, "done_reason": "content_filter", **notice(refusal)}).encode()
