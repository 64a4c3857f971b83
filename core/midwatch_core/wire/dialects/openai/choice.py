"""One choice of a streamed chat answer: its deltas, put where the unstreamed answer has them."""

from typing import Any

from midwatch_core.model.segment import Part
from midwatch_core.wire.assembly import Assembly, Block
from midwatch_core.wire.jsontext import compact

# More choices or calls than any answer has: an index beyond is not one, and must not cost memory.
_MAX_INDEX = 1024


class StreamedChoice:
    """One choice under way: its blocks, found once."""

    __slots__ = (
        "_assembly",
        "_blocks",
        "_call_count",
        "_calls",
        "_content",
        "_items",
        "_last_call",
        "_path",
        "_text",
        "_thinking",
    )

    def __init__(self, assembly: Assembly, index: int) -> None:
        self._assembly = assembly
        self._path = f"/choices/{index}/message"
        self._text: Block | None = None
        self._content: Block | None = None
        self._blocks: dict[str, Block] = {}
        self._calls: dict[int | None, Block] = {}
        self._call_count = 0
        self._last_call: Block | None = None
        # Content that comes as a list of parts (Mistral): how many parts there are, and whether the last is thinking.
        self._items = 0
        self._thinking = False

    def read_text(self, delta: str) -> None:
        """A delta of legacy Completions, which have no message."""
        if self._text is None:
            self._text = self._assembly.block(Part.ASSISTANT, self._path.removesuffix("message") + "text")
        self._text.append(delta)

    def read(self, delta: dict[str, Any]) -> None:
        """A delta of a message. Raises what StreamReader.event may."""
        for key, value in delta.items():
            if not value:
                continue
            if key == "content":
                if type(value) is str:
                    (self._content or self._open_content()).append(value)
                else:
                    self._read_parts(value)
            elif key == "tool_calls":
                for call in value:
                    self._read_call(call)
            elif key != "role":
                self._read_other(key, value, delta)

    def _read_other(self, key: str, value: Any, delta: dict[str, Any]) -> None:
        if key == "reasoning_content":
            if value != delta.get("reasoning"):  # vLLM sends both for a while
                self._append(Part.REASONING, key, value)
        elif key in ("reasoning", "reasoning_text"):
            self._append(Part.REASONING, key, value)
        elif key == "refusal":
            self._append(Part.ASSISTANT, key, value)
        elif key == "reasoning_details":
            if not delta.get("reasoning"):
                self._read_details(value)
        elif key == "function_call":
            block = self._assembly.tool(f"{self._path}/function_call/arguments", None, as_text(value.get("name")))
            _append_arguments(block, value.get("arguments"))
        elif key == "audio" and (transcript := value.get("transcript")):
            self._append(Part.ASSISTANT, "audio/transcript", transcript)

    def _append(self, part: Part, place: str, delta: str) -> None:
        block = self._blocks.get(place)
        if block is None:
            block = self._blocks[place] = self._assembly.block(part, f"{self._path}/{place}")
        block.append(delta)

    def _open_content(self) -> Block:
        """Where a plain string goes: the content itself, or after parts a text part behind them."""
        if self._items == 0:
            self._content = self._assembly.block(Part.ASSISTANT, f"{self._path}/content")
            return self._content
        if self._thinking:
            self._thinking = False
            self._items += 1
        return self._assembly.block(Part.ASSISTANT, f"{self._path}/content/{self._items - 1}/text")

    def _read_parts(self, parts: Any) -> None:
        if type(parts) is not list:
            raise TypeError(f"content is {type(parts).__name__}")
        for item in parts:
            if type(item) is str:
                self._open_content().append(item)
            elif item.get("type") == "thinking":
                self._read_thinking(item.get("thinking"))
            elif type(text := item.get("text")) is str:
                self._items = self._items or 1
                self._open_content().append(text)

    def _read_thinking(self, thinking: Any) -> None:
        if not self._thinking:
            self._thinking = True
            self._items += 1
            self._content = None
        place = f"{self._path}/content/{self._items - 1}/thinking"
        if type(thinking) is str:
            self._assembly.block(Part.REASONING, place).append(thinking)
            return
        block = self._assembly.block(Part.REASONING, f"{place}/0/text")
        for piece in thinking or ():
            if type(text := piece.get("text")) is str:
                block.append(text)

    def _read_details(self, details: list[dict[str, Any]]) -> None:
        for detail in details:
            for key in ("text", "summary"):
                if text := detail.get(key):
                    self._append(
                        Part.REASONING, f"reasoning_details/{checked_index(detail.get('index') or 0)}/{key}", text
                    )

    def _read_call(self, call: dict[str, Any]) -> None:
        kind = "custom" if "custom" in call else "function"
        target = call.get(kind) or {}
        key = "input" if kind == "custom" else "arguments"
        block = self._call(call.get("index"), as_text(call.get("id")), as_text(target.get("name")), f"{kind}/{key}")
        if arguments := target.get(key):
            _append_arguments(block, arguments)

    def _call(self, index: int | None, tool_id: str | None, name: str | None, place: str) -> Block:
        """The call a delta belongs to. Some servers give no index, or the same to parallel calls sent whole."""
        block = self._last_call if index is None else self._calls.get(index)
        if block is None or (name and tool_id and block.tool_id and tool_id != block.tool_id):
            position = checked_index(self._call_count)
            block = self._assembly.tool(f"{self._path}/tool_calls/{position}/{place}", tool_id, name)
            self._call_count += 1
            self._calls[index] = block
        else:
            block.tool_id = block.tool_id or tool_id
            block.tool_name = block.tool_name or name
        self._last_call = block
        return block


def _append_arguments(block: Block, arguments: Any) -> None:
    if arguments:
        block.append(arguments if type(arguments) is str else compact(arguments))


def checked_index(index: object) -> int:
    """An index as it came. Raises ValueError for what is none."""
    if type(index) is not int or not 0 <= index < _MAX_INDEX:
        raise ValueError(f"{index!r} is no index")
    return index


def as_text(value: object) -> str | None:
    """A string with something in it, or None."""
    return value if type(value) is str and value else None
