"""From what a dialect read out of a request to what the model says: the same for every provider."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import orjson

from midwatch.simulated.script import Script
from midwatch.simulated.wording import example_of, fit, json_pieces, pieces, reply_tokens, thought_tokens

_TRIGGER = "use the tool"
_TRIGGER_MANY = "use the tools"
# What the user dictates: the tool, which may be left out, and its arguments, or the text for a tool of free form.
_WITH = re.compile(r'use the tool(?: ([\w.-]+))? with (?=[{"])', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that the request offers: its name and the JSON schema of its arguments.

    A `freeform` tool takes any text instead of JSON. `namespace` is the group that it was offered in, where there are
    groups.
    """

    name: str
    schema: Any = None
    freeform: bool = False
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a dialect read.

    `text` is the user's last message and empty where the last message is a tool's result; `limit` the request's
    maximum of output tokens; `thinks` whether the model reasons first; `schema` asks for JSON of that shape.
    """

    model: str
    text: str
    input_tokens: int
    tools: tuple[Tool, ...] = ()
    limit: int | None = None
    thinks: bool = False
    schema: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a tool; `pieces` join to the JSON text of the arguments, or to the text for a `freeform` tool."""

    name: str
    arguments: Any
    pieces: tuple[str, ...]
    freeform: bool = False
    namespace: str | None = None

    @property
    def json(self) -> str:
        """The arguments as JSON text; of a `freeform` tool its text."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the model says: thinking, then text or calls; every tuple is of tokens, and the counts are their lengths."""

    model: str
    input_tokens: int
    thinking: tuple[str, ...] = ()
    reply: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    truncated: bool = False

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.reply)

    @property
    def thought(self) -> str:
        """The whole reasoning."""
        return "".join(self.thinking)

    @property
    def visible_tokens(self) -> int:
        """Output tokens without reasoning: text and tool calls (each call costs eight besides its arguments)."""
        return len(self.reply) + sum(8 + len(call.pieces) for call in self.calls)

    @property
    def output_tokens(self) -> int:
        """Output tokens with reasoning."""
        return self.visible_tokens + len(self.thinking)


def compose(prompt: Prompt, script: Script, *, preface: str = "") -> Turn:
    """The model's turn. `preface` is said before a tool call by providers whose models talk while they call."""
    thinking = thought_tokens(prompt.text, script.reasoning) if prompt.thinks else ()
    calls = _calls(prompt, script)
    if calls:
        reply, truncated = pieces(preface), False
    else:
        reply, truncated = _limited(_reply(prompt, script), prompt.limit, script)
    return Turn(
        model=prompt.model,
        input_tokens=prompt.input_tokens,
        thinking=thinking,
        reply=reply,
        calls=calls,
        truncated=truncated,
    )


def _calls(prompt: Prompt, script: Script) -> tuple[ToolCall, ...]:
    if prompt.tools and script.arguments is not None:
        return (_call(prompt.tools[0], json.loads(script.arguments), prompt.text),)
    name, said = _dictated(prompt.text)
    lowered = prompt.text.lower()
    tools = tuple(tool for tool in prompt.tools if name in ("", tool.name))
    if not tools or _TRIGGER not in lowered:
        return ()
    chosen = (tools * 2)[:2] if _TRIGGER_MANY in lowered else tools[:1]
    return tuple(_call(tool, said, prompt.text) for tool in chosen)


def _call(tool: Tool, said: Any, text: str) -> ToolCall:
    """A call with what was `said`; made from the user's `text` where that does not suit the tool."""
    arguments: Any
    if tool.freeform:
        arguments = said if isinstance(said, str) else text
        parts = pieces(arguments)
    else:
        example = example_of(tool.schema or {"type": "object"}, text) or {}
        arguments = said if isinstance(said, dict) else example
        parts = json_pieces(arguments)
    return ToolCall(name=tool.name, arguments=arguments, pieces=parts, freeform=tool.freeform, namespace=tool.namespace)


def _dictated(text: str) -> tuple[str, Any]:
    """The tool and its arguments that the user dictates: `use the tool Bash with {"command": "ls"}`.

    An empty name where any tool will do; None for the arguments where nothing is dictated, or no JSON.
    """
    *_, found = (None, *_WITH.finditer(text))
    if found is None:
        return "", None
    try:
        return found[1] or "", json.JSONDecoder().raw_decode(text, found.end())[0]
    except ValueError:
        return "", None


def _reply(prompt: Prompt, script: Script) -> tuple[str, ...]:
    if script.answer is not None:
        return fit(pieces(script.answer), script.tokens)
    if prompt.schema is not None:
        return pieces(orjson.dumps(example_of(prompt.schema, prompt.text)).decode())
    return reply_tokens(prompt.text, script.tokens)


def _limited(tokens: tuple[str, ...], limit: int | None, script: Script) -> tuple[tuple[str, ...], bool]:
    if limit is None or script.tokens is not None or limit >= len(tokens):
        return tokens, False
    return tokens[: max(limit, 1)], True
