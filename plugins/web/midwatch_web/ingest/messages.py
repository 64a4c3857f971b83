"""Messages as most programs hold them, those of Chat Completions, read as the plain texts of a call.

https://platform.openai.com/docs/api-reference/chat. What has no text (pictures, sound) is passed over.
"""

from collections.abc import Iterator
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from midwatch_core import Part, PlainText

_PARTS = {
    "system": Part.SYSTEM,
    "developer": Part.SYSTEM,
    "user": Part.USER,
    "assistant": Part.ASSISTANT,
    "tool": Part.TOOL_RESULT,
    "function": Part.TOOL_RESULT,
}


class CalledFunction(BaseModel):
    """The name and the arguments of a called tool; arguments are JSON in a string, or the object itself."""

    name: str
    arguments: str | dict[str, Any] = ""


class CalledTool(BaseModel):
    """A tool that the model called."""

    function: CalledFunction
    id: str | None = None


class Message(BaseModel):
    """One message. Members that are not named here are passed over."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    tool_calls: list[CalledTool] = Field(default_factory=list)
    tool_call_id: str | None = None
    name: str | None = None

    def texts(self) -> Iterator[PlainText]:
        """The texts of the message, in order."""
        part = _PARTS[self.role]
        if self.reasoning_content:
            yield PlainText(part=Part.REASONING, text=self.reasoning_content)
        for text in self._contents():
            if part is Part.TOOL_RESULT:
                yield PlainText(part=part, text=text, name=self.name, call_id=self.tool_call_id)
            else:
                yield PlainText(part=part, text=text)
        for call in self.tool_calls:
            arguments = call.function.arguments
            text = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
            yield PlainText(part=Part.TOOL_CALL, text=text, name=call.function.name, call_id=call.id)

    def _contents(self) -> Iterator[str]:
        if isinstance(self.content, str):
            yield self.content
        for item in self.content if isinstance(self.content, list) else ():
            text = item.get("text") or item.get("refusal")
            if isinstance(text, str):
                yield text


def tool_text(tool: str | dict[str, Any]) -> PlainText | None:
    """The definition of a tool that is offered; None where only its name is told."""
    if isinstance(tool, str):
        return None
    return PlainText(part=Part.TOOL_DEFINITION, text=orjson.dumps(tool).decode(), name=tool_name(tool))


def tool_name(tool: str | dict[str, Any]) -> str:
    """The name of a tool that is offered; empty where it has none."""
    if isinstance(tool, str):
        return tool
    function = tool.get("function")
    name = (function if isinstance(function, dict) else tool).get("name")
    return name if isinstance(name, str) else ""
