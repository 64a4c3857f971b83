"""One choice of a streamed chat answer for its editor: which text each string of a delta belongs to.

The counterpart of `openai_choice`, which joins the same deltas: paths must come out the same.
"""

from typing import Any

from midwatch_core.model.segment import Part
from midwatch_core.wire.dialects.openai.choice import as_text, checked_index
from midwatch_core.wire.editing.slot import Reading, Slot
from midwatch_core.wire.jsontext import compact

_PLAIN = {
    "reasoning_content": Part.REASONING,
    "reasoning": Part.REASONING,
    "reasoning_text": Part.REASONING,
    "refusal": Part.ASSISTANT,
}


class ChoiceMap:
    """One choice under way. A text ends where the next one of the choice begins, or with the choice."""

    __slots__ = ("_calls", "_current", "_ids", "_items", "_last_call", "_path", "_plain", "_thinking", "_touched")

    def __init__(self, index: int) -> None:
        self._path = f"/choices/{index}/message"
        # Content as parts (Mistral): how many there are, whether the last is thinking, whether plain content began.
        self._items = 0
        self._thinking = False
        self._plain = False
        self._calls: dict[int | None, str] = {}
        self._last_call: str | None = None
        # The ids of calls by their path; a path is here as soon as its call is known.
        self._ids: dict[str, str | None] = {}
        self._current: set[str] = set()
        self._touched: set[str] = set()

    def read(self, choice: dict[str, Any], pointer: str, found: Reading) -> None:
        """The slots of one choice of a chunk, at `pointer`, and what it closes."""
        self._touched = set()
        for member in ("delta", "message"):
            if delta := choice.get(member):
                self._delta(delta, f"{pointer}/{member}", found)
                self._repeated(choice, member, pointer, found)
                break
        else:
            if text := choice.get("text"):
                path = self._path.removesuffix("message") + "text"
                self._add(found, Slot(path=path, part=Part.ASSISTANT, pointer=f"{pointer}/text", text=text))
        if self._touched and self._touched != self._current:
            found.closes += self._current - self._touched
            self._current = self._touched
        if as_text(choice.get("finish_reason")):
            found.closes.append(self._path.removesuffix("message"))
        if choice.get("logprobs"):
            found.shadows.append((f"{pointer}/logprobs", None))

    def _repeated(self, choice: dict[str, Any], read: str, pointer: str, found: Reading) -> None:
        """Perplexity repeats the text so far beside each delta."""
        if read == "delta" and (message := choice.get("message")) and type(text := message.get("content")) is str:
            at = f"{pointer}/message/content"
            whole = Slot(path=f"{self._path}/content", part=Part.ASSISTANT, pointer=at, text=text, whole=True)
            found.slots += [whole] if text else []

    def _add(self, found: Reading, slot: Slot) -> None:
        if type(slot.text) is not str:
            raise TypeError(f"{slot.path}: expected a string, found {type(slot.text).__name__}")
        self._touched.add(slot.path)
        found.slots.append(slot)

    def _delta(self, delta: dict[str, Any], at: str, found: Reading) -> None:
        for key, value in delta.items():
            if not value:
                continue
            if key == "content":
                self._content(value, f"{at}/content", found)
            elif key == "tool_calls":
                for number, call in enumerate(value):
                    self._call(call, f"{at}/tool_calls/{number}", found)
            elif part := _PLAIN.get(key):
                self._add(found, Slot(path=f"{self._path}/{key}", part=part, pointer=f"{at}/{key}", text=value))
            else:
                self._rare(key, value, f"{at}/{key}", found)

    def _rare(self, key: str, value: Any, at: str, found: Reading) -> None:
        if key == "reasoning_details":
            self._details(value, at, found)
        elif key == "function_call":
            self._arguments(value, "arguments", f"{self._path}/function_call/arguments", at, found)
        elif key == "audio" and (transcript := value.get("transcript")):
            path = f"{self._path}/audio/transcript"
            self._add(found, Slot(path=path, part=Part.ASSISTANT, pointer=f"{at}/transcript", text=transcript))

    def _content(self, value: Any, at: str, found: Reading) -> None:
        if type(value) is str:
            self._add(found, Slot(path=self._content_path(), part=Part.ASSISTANT, pointer=at, text=value))
            return
        if type(value) is not list:
            raise TypeError(f"content is {type(value).__name__}")
        for number, item in enumerate(value):
            self._item(item, f"{at}/{number}", found)

    def _item(self, item: Any, at: str, found: Reading) -> None:
        if type(item) is str:
            self._add(found, Slot(path=self._content_path(), part=Part.ASSISTANT, pointer=at, text=item))
        elif item.get("type") == "thinking":
            self._think(item.get("thinking"), f"{at}/thinking", found)
        elif type(text := item.get("text")) is str:
            self._items = self._items or 1
            path = self._content_path(in_parts=True)
            self._add(found, Slot(path=path, part=Part.ASSISTANT, pointer=f"{at}/text", text=text))

    def _content_path(self, *, in_parts: bool = False) -> str:
        if (self._plain and not in_parts) or self._items == 0:
            self._plain = True
            return f"{self._path}/content"
        if self._thinking:
            self._thinking = False
            self._items += 1
        return f"{self._path}/content/{self._items - 1}/text"

    def _think(self, thinking: Any, at: str, found: Reading) -> None:
        if not self._thinking:
            self._thinking = True
            self._items += 1
            self._plain = False
        path = f"{self._path}/content/{self._items - 1}/thinking"
        if type(thinking) is str:
            self._add(found, Slot(path=path, part=Part.REASONING, pointer=at, text=thinking))
            return
        for number, piece in enumerate(thinking or ()):
            if type(text := piece.get("text")) is str:
                pointer = f"{at}/{number}/text"
                self._add(found, Slot(path=f"{path}/0/text", part=Part.REASONING, pointer=pointer, text=text))

    def _details(self, details: list[dict[str, Any]], at: str, found: Reading) -> None:
        """OpenRouter's repetition of `reasoning`, or all there is of it."""
        for number, detail in enumerate(details):
            place = f"{self._path}/reasoning_details/{checked_index(detail.get('index') or 0)}"
            for key in ("text", "summary"):
                if text := detail.get(key):
                    pointer = f"{at}/{number}/{key}"
                    self._add(found, Slot(path=f"{place}/{key}", part=Part.REASONING, pointer=pointer, text=text))

    def _call(self, call: dict[str, Any], at: str, found: Reading) -> None:
        kind = "custom" if "custom" in call else "function"
        target = call.get(kind) or {}
        key = "input" if kind == "custom" else "arguments"
        tool_id, name = as_text(call.get("id")), as_text(target.get("name"))
        path = self._call_path(call.get("index"), tool_id, name, f"{kind}/{key}", found)
        self._touched.add(path)
        self._arguments(target, key, path, f"{at}/{kind}", found)

    def _arguments(self, target: dict[str, Any], key: str, path: str, at: str, found: Reading) -> None:
        if value := target.get(key):
            whole = type(value) is not str
            slot = Slot(
                path=path,
                part=Part.TOOL_CALL,
                pointer=f"{at}/{key}",
                text=compact(value) if whole else value,
                whole=whole,
                json=key == "arguments",
            )
            self._add(found, slot)

    def _call_path(self, index: int | None, tool_id: str | None, name: str | None, place: str, found: Reading) -> str:
        """See `StreamedChoice._call`. A call whose index another takes over is closed."""
        path = self._last_call if index is None else self._calls.get(index)
        known = self._ids.get(path) if path else None
        if path is None or (name and tool_id and known and tool_id != known):
            if path is not None:
                found.closes.append(path)
            path = f"{self._path}/tool_calls/{checked_index(len(self._ids))}/{place}"
            self._ids[path] = tool_id
            self._calls[index] = path
        else:
            self._ids[path] = known or tool_id
        self._last_call = path
        return path
