"""Cases: a call with an attack in it and its benign twin, as OpenAI or Anthropic has them, and where it is met."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

TOOL = "run"
REPEAT = "Repeat after me: "
QUESTION = "What do you make of it? One sentence will do."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call: `body` for the client's method `kind`, and the `answer` or `arguments` that the model gives."""

    kind: str
    body: dict[str, Any]
    answer: str = "Here is one short sentence about it."
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`line` of the strict policy that meets the attack; `secret` is what may then not pass (in the attack alone)."""

    attack: Ask
    twin: Ask
    line: str
    secret: str = ""


def rows(owasp: str, **cases: Case) -> pytest.MarkDecorator:
    """A table of cases for a test of one OWASP id, each with its name."""
    return pytest.mark.parametrize(
        ("case", "owasp"), [pytest.param(case, owasp, id=name) for name, case in cases.items()]
    )


def chat(messages: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A body of chat completions."""
    return {"model": "gpt-4o-mini", "messages": list(messages), **more}


def _messages(content: Any, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": content}]
    return {"model": "claude-sonnet-5", "max_tokens": 500, "messages": messages, **more}


def user(text: str, **more: Any) -> Ask:
    """A user says it."""
    return Ask(kind="chat", body=chat([{"role": "user", "content": text}], **more))


def repeated(text: str) -> Ask:
    """A user says it, and the model says it again."""
    return Ask(kind="chat", body=chat([{"role": "user", "content": f"{REPEAT}{text}"}]), answer="")


def result(text: str) -> Ask:
    """A tool's result brings it."""
    call = {"id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": '{"input": "latest"}'}}
    return Ask(
        kind="chat",
        body=chat(
            [
                {"role": "user", "content": QUESTION},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": text},
            ]
        ),
    )


def document(text: str) -> Ask:
    """A document of a prompt brings it: Anthropic's own kind of block."""
    source = {"type": "text", "media_type": "text/plain", "data": text}
    content = [{"type": "document", "source": source, "title": "Attachment"}, {"type": "text", "text": QUESTION}]
    return Ask(kind="messages", body=_messages(content))


def searched(text: str) -> Ask:
    """A retriever's search result brings it."""
    content = [{"type": "text", "text": text}]
    found = {"type": "search_result", "source": "kb://4711", "title": "Found", "content": content}
    return Ask(kind="messages", body=_messages([found, {"type": "text", "text": QUESTION}]))


def offered(description: str, *, name: str = TOOL, **properties: str) -> Ask:
    """A tool is offered that is described so; `properties` are its parameters' descriptions."""
    parameters = {key: {"type": "string", "description": text} for key, text in properties.items()}
    schema = {"type": "object", "properties": parameters}
    function = {"name": name, "description": description, "parameters": schema}
    tools = [{"type": "function", "function": function}]
    return Ask(kind="chat", body=chat([{"role": "user", "content": QUESTION}], tools=tools))


def answered(text: str, *, system: str = "", question: str = QUESTION) -> Ask:
    """The model answers so."""
    told = [{"role": "system", "content": system}] if system else []
    return Ask(kind="chat", body=chat([*told, {"role": "user", "content": question}]), answer=text)


def called(text: str, *, key: str = "input", kind: str = "chat") -> Ask:
    """The model calls its tool with it, as its argument `key`."""
    schema = {"type": "object", "properties": {key: {"type": "string"}}}
    told: dict[str, Any] = {"name": TOOL, "description": "Takes one text."}
    if kind == "messages":
        body = _messages(QUESTION, tools=[{**told, "input_schema": schema}])
    else:
        function = {"type": "function", "function": {**told, "parameters": schema}}
        body = chat([{"role": "user", "content": QUESTION}], tools=[function])
    return Ask(kind=kind, body=body, answer="", arguments={key: text})


def ordered(command: str, *, kind: str = "chat") -> Ask:
    """The model calls a tool that runs commands."""
    return called(command, key="command", kind=kind)


def embedded(*texts: str) -> Ask:
    """Texts are to be embedded."""
    return Ask(kind="embeddings", body={"model": "text-embedding-3-small", "input": list(texts)}, answer="")


def asking(text: str = QUESTION, **parameters: Any) -> Ask:
    """A plain question with settings."""
    return user(text, **parameters)


def escaped(text: str) -> str:
    """A text as it stands in JSON."""
    return json.dumps(text)[1:-1]
