"""The bodies of a plain call: JSON in the shape that most people know, with every text at its place.

A plain call has no wire format. What shows it (raw view, HAR, diff) wants a document all the same, and findings want
paths: it is that of Chat Completions (https://platform.openai.com/docs/api-reference/chat), with `input` for
embeddings and `documents` beside it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from midwatch_core.intake import PlainText
from midwatch_core.model.content import Json, ToolCall, ToolResult
from midwatch_core.model.segment import Part, Segment

# What the model said, which stands in one message as long as nobody else speaks.
_ANSWERS = frozenset({Part.REASONING, Part.ASSISTANT, Part.TOOL_CALL})
_ROLES = {Part.SYSTEM: "system", Part.USER: "user", Part.TOOL_RESULT: "tool"}
# Texts that stand in lists of their own beside the messages.
_LISTS = {Part.TOOL_DEFINITION: "tools", Part.DOCUMENT: "documents", Part.EMBEDDING_INPUT: "input"}


@dataclass(slots=True)
class PlainBody:
    """A body as it is put together: the document, and where in it the texts are."""

    document: dict[str, Json]
    segments: list[Segment] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    tool_results: list[ToolResult] = field(default_factory=list)

    def place(self, item: PlainText, path: str) -> str:
        """Note that a text stands at `path`; the text, which goes there."""
        self.segments.append(Segment(part=item.part, path=path, text=item.text))
        return item.text


def request_body(texts: Iterable[PlainText], settings: dict[str, Json], tools: Sequence[str]) -> PlainBody:
    """The body of a request: `settings` at its top, `tools` by their names where their definitions are not told."""
    body = PlainBody(dict(settings))
    messages: list[Json] = []
    answer: _Message | None = None
    for item in texts:
        if item.part in _LISTS:
            _list(body, item, _LISTS[item.part])
            continue
        if item.part not in _ANSWERS:
            answer = None
            messages.append(_message(body, item, f"/messages/{len(messages)}"))
            continue
        if answer is None:
            answer = _Message(body, f"/messages/{len(messages)}")
            messages.append(answer.value)
        answer.take(item)
    if messages:
        body.document["messages"] = messages
    if tools and "tools" not in body.document:
        body.document["tools"] = [{"type": "function", "function": {"name": name}} for name in tools]
    return body


def response_body(texts: Sequence[PlainText], top: dict[str, Json], finish_reason: str | None) -> PlainBody:
    """The body of an answer: `top` is what stands there beside the one choice."""
    body = PlainBody(dict(top))
    message = _Message(body, "/choices/0/message")
    for item in texts:
        message.take(item)
    if texts or finish_reason:
        body.document["choices"] = [{"index": 0, "message": message.value, "finish_reason": finish_reason}]
    return body


def _list(body: PlainBody, item: PlainText, name: str) -> None:
    held = body.document.setdefault(name, [])
    if isinstance(held, list):
        held.append(body.place(item, f"/{name}/{len(held)}"))


def _message(body: PlainBody, item: PlainText, path: str) -> Json:
    message: dict[str, Json] = {"role": _ROLES[item.part]}
    if item.part is Part.TOOL_RESULT:
        named = {"tool_call_id": item.call_id, "name": item.name}
        message |= {key: value for key, value in named.items() if value is not None}
        body.tool_results.append(ToolResult(call_id=item.call_id, name=item.name, path=f"{path}/content"))
    message["content"] = body.place(item, f"{path}/content")
    return message


class _Message:
    """One message of the model: reasoning, words and tool calls, in the order in which they are told."""

    def __init__(self, body: PlainBody, path: str) -> None:
        self.value: dict[str, Json] = {"role": "assistant", "content": None}
        self._body = body
        self._path = path
        self._calls: list[Json] = []
        self._words: list[Json] = []
        self._thoughts: list[Json] = []

    def take(self, item: PlainText) -> None:
        """The next text. What is not the model's own counts as its words."""
        if item.part is Part.TOOL_CALL:
            self._call(item)
        elif item.part is Part.REASONING:
            path = f"{self._path}/reasoning_details/{len(self._thoughts)}/text"
            self._thoughts.append({"type": "reasoning.text", "text": self._body.place(item, path)})
            self.value["reasoning_details"] = self._thoughts
        else:
            path = f"{self._path}/content/{len(self._words)}/text"
            self._words.append({"type": "text", "text": self._body.place(item, path)})
            self.value["content"] = self._words

    def _call(self, item: PlainText) -> None:
        path = f"{self._path}/tool_calls/{len(self._calls)}/function/arguments"
        function: dict[str, Json] = {"name": item.name or "", "arguments": self._body.place(item, path)}
        call: dict[str, Json] = {"type": "function", "function": function}
        self._calls.append(call if item.call_id is None else {"id": item.call_id, **call})
        self.value["tool_calls"] = self._calls
        if item.name:
            self._body.tool_calls.append(ToolCall(id=item.call_id, name=item.name, path=path))
