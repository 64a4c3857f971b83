"""From what a dialect read out of a request to what the model says: the same for every provider."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson

from .script import Script
from .wording import example_of, fit, json_pieces, pieces, reply_tokens, thought_tokens

_TRIGGER = "use the tool"
_TRIGGER_MANY = "use the tools"
_WITH = "use the tool with {"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that the request offers: its name and the JSON schema of its arguments."""

    name: str
    schema: Any = None


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
    """One call of a tool; `pieces` join to the JSON text of the arguments."""

    name: str
    arguments: Any
    pieces: tuple[str, ...]

    @property
    def json(self) -> str:
        """The arguments as JSON text."""
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
        arguments = json.loads(script.arguments)
        return (ToolCall(name=prompt.tools[0].name, arguments=arguments, pieces=json_pieces(arguments)),)
    lowered = prompt.text.lower()
    if not prompt.tools or _TRIGGER not in lowered:
        return ()
    chosen = (prompt.tools * 2)[:2] if _TRIGGER_MANY in lowered else prompt.tools[:1]
    return tuple(_call(tool, prompt.text) for tool in chosen)


def _call(tool: Tool, text: str) -> ToolCall:
    arguments = _dictated(text) or example_of(tool.schema or {"type": "object"}, text) or {}
    return ToolCall(name=tool.name, arguments=arguments, pieces=json_pieces(arguments))


def _dictated(text: str) -> Any:
    """The arguments that the user dictates: `use the tool with {"city": "Bath"}`; None where there are none."""
    at = text.lower().rfind(_WITH)
    if at < 0:
        return None
    try:
        return json.JSONDecoder().raw_decode(text, at + len(_WITH) - 1)[0]
    except ValueError:
        return None


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
