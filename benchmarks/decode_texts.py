"""What the decoders are measured on: an agent's conversation of 200 turns in each provider's words, and streams."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from midwatch.simulated.call import Call
from midwatch.simulated.routes import route_of
from midwatch.simulated.script import Script

_TURNS = 200
_TEXT = ("The watch is kept through the night; the log says what was seen, when and by whom.\n" * 70)[:5_150]
_ASKED = {"path": "log/night.txt", "lines": [1, 200], "why": "to see what was written"}
_SCHEMA: dict[str, Any] = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}


def _turns() -> list[tuple[str, str]]:
    """Who says what: a question, a call of a tool, its result, an answer, and so on."""
    kinds = ("user", "call", "result", "assistant")
    return [(kinds[number % 4], f"Turn {number}. {_TEXT}") for number in range(_TURNS)]


def _chat(kind: str, text: str) -> dict[str, Any]:
    if kind == "call":
        function = {"name": "read_file", "arguments": '{"path":"log/night.txt"}'}
        return {
            "role": "assistant",
            "content": text,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        }
    return (
        {"role": "tool", "tool_call_id": "c1", "content": text} if kind == "result" else {"role": kind, "content": text}
    )


def _responses(kind: str, text: str) -> dict[str, Any]:
    if kind == "call":
        return {"type": "function_call", "call_id": "c1", "name": "read_file", "arguments": text}
    if kind == "result":
        return {"type": "function_call_output", "call_id": "c1", "output": text}
    part = "input_text" if kind == "user" else "output_text"
    return {"type": "message", "role": kind, "content": [{"type": part, "text": text}]}


def _anthropic(kind: str, text: str) -> dict[str, Any]:
    if kind == "call":
        call = {"type": "tool_use", "id": "t1", "name": "read_file", "input": _ASKED}
        return {"role": "assistant", "content": [{"type": "text", "text": text}, call]}
    if kind == "result":
        return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": text}]}
    return {"role": kind, "content": [{"type": "text", "text": text}]}


def _gemini(kind: str, text: str) -> dict[str, Any]:
    if kind == "call":
        return {"role": "model", "parts": [{"text": text}, {"functionCall": {"name": "read_file", "args": _ASKED}}]}
    if kind == "result":
        return {"role": "user", "parts": [{"functionResponse": {"name": "read_file", "response": {"output": text}}}]}
    return {"role": "model" if kind == "assistant" else "user", "parts": [{"text": text}]}


def _converse(kind: str, text: str) -> dict[str, Any]:
    if kind == "call":
        call = {"toolUse": {"toolUseId": "t1", "name": "read_file", "input": _ASKED}}
        return {"role": "assistant", "content": [{"text": text}, call]}
    if kind == "result":
        return {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": text}]}}]}
    return {"role": kind, "content": [{"text": text}]}


TURNS: dict[str, dict[str, Any]] = {
    "openai.chat": {
        "model": "m",
        "messages": [_chat(*turn) for turn in _turns()],
        "tools": [{"type": "function", "function": {"name": "read_file", "parameters": _SCHEMA}}],
    },
    "openai.responses": {"model": "m", "input": [_responses(*turn) for turn in _turns()]},
    "anthropic.messages": {"model": "m", "max_tokens": 9, "messages": [_anthropic(*turn) for turn in _turns()]},
    "gemini.generate_content": {"contents": [_gemini(*turn) for turn in _turns()]},
    "bedrock.converse": {"messages": [_converse(*turn) for turn in _turns()]},
    "cohere.chat": {"model": "m", "messages": [_chat(*turn) for turn in _turns()]},
    "ollama.chat": {"model": "m", "messages": [_chat(*turn) for turn in _turns()]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A streamed answer of a simulated provider."""

    dialect: str
    host: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    query: str = ""

    def events(self, count: int) -> list[bytes]:
        """An answer of so many tokens, one event each, as the provider writes them."""
        body = {"model": "m", "stream": True, **self.body}
        call = Call(
            method="POST", host=self.host, path=self.path, query=self.query, body=body, at=1_700_000_000, serial=1
        )
        route = route_of("POST", self.path)
        assert route is not None
        return list(route.build(call, Script(tokens=count)).events)


_MESSAGES = [{"role": "user", "content": "Tell me of the night."}]
_CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Tell me of the night."}]}]}
_CONVERSE = {"messages": [{"role": "user", "content": [{"text": "Tell me of the night."}]}]}
_BEDROCK, _AWS = "bedrock-runtime.us-east-1.amazonaws.com", "application/vnd.amazon.eventstream"
_CLAUDE = {"messages": _MESSAGES, "max_tokens": 4_000}
STREAMS = (
    Stream(dialect="openai.chat", host="api.openai.com", path="/v1/chat/completions", body={"messages": _MESSAGES}),
    Stream(dialect="openai.responses", host="api.openai.com", path="/v1/responses", body={"input": "Tell me."}),
    Stream(dialect="anthropic.messages", host="api.anthropic.com", path="/v1/messages", body=_CLAUDE),
    Stream(
        dialect="gemini.generate_content",
        host="generativelanguage.googleapis.com",
        path="/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        query="alt=sse",
        body=_CONTENTS,
    ),
    Stream(dialect="cohere.chat", host="api.cohere.com", path="/v2/chat", body={"messages": _MESSAGES}),
    Stream(
        dialect="ollama.chat",
        host="localhost",
        path="/api/chat",
        body={"messages": _MESSAGES},
        content_type="application/x-ndjson",
    ),
    Stream(
        dialect="bedrock.converse",
        host=_BEDROCK,
        path="/model/anthropic.x/converse-stream",
        body=_CONVERSE,
        content_type=_AWS,
    ),
    Stream(
        dialect="bedrock.invoke",
        host=_BEDROCK,
        path="/model/anthropic.x/invoke-with-response-stream",
        body=_CLAUDE,
        content_type=_AWS,
    ),
)
