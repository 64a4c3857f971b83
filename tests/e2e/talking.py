"""The same question put in every dialect, by its real client library where there is one, and what came of it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import quote

import anthropic
import httpx
import openai
from google import genai
from google.genai import errors as genai_errors
from google.genai import types

SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
FUNCTION = {"name": "run", "description": "Runs it", "parameters": SCHEMA}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a client library made of an answer: its text, a call's arguments as JSON text, and why it ended."""

    text: str = ""
    arguments: str = ""
    finish: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a client library's error tells a program of a refusal."""

    status: int
    code: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """The same call without a library."""

    url: str
    body: dict[str, Any]
    headers: Mapping[str, str]


class Talker(Protocol):
    """One dialect's client behind a house. `refused` is what it raises at a 403; `filtered` its word for a cut."""

    name: str
    refused: type[Exception]
    filtered: str
    has_tools: bool

    def __init__(self, house: Any) -> None: ...

    def close(self) -> None:
        """End its connections."""
        ...

    def say(self, text: str, *, streamed: bool, headers: dict[str, str], tool: bool = False) -> Said:
        """Ask, with a tool to call if `tool`, and read all of the answer by the library's plain iterator."""
        ...

    def told(self, error: Any) -> Told:
        """What the error `refused` says."""
        ...

    def posting(self, text: str, *, streamed: bool, tool: bool = False) -> Posting:
        """The call for a plain client."""
        ...


class _OpenAi:
    """What OpenAI's three methods have in common. The library's own retries stay on: a refusal must not cause one."""

    refused: type[Exception] = openai.PermissionDeniedError
    filtered = "content_filter"
    has_tools = True

    def __init__(self, house: Any) -> None:
        web = openai.DefaultHttpxClient(proxy=house.proxy, verify=house.trust(), timeout=30)
        self.client = openai.OpenAI(api_key="sk-e2e", http_client=web)

    def close(self) -> None:
        self.client.close()

    def told(self, error: Any) -> Told:
        return Told(status=error.status_code, code=error.code, request_id=error.request_id)

    def _posting(self, path: str, body: dict[str, Any]) -> Posting:
        return Posting(url=f"https://api.openai.com/v1/{path}", body=body, headers={"authorization": "Bearer sk-e2e"})


class OpenAiChat(_OpenAi):
    """Chat completions."""

    name = "openai.chat"

    def _asked(self, text: str, streamed: bool, tool: bool) -> dict[str, Any]:
        tools = {"tools": [{"type": "function", "function": FUNCTION}]} if tool else {}
        messages = [{"role": "user", "content": text}]
        return {"model": "gpt-4o-mini", "messages": messages, "stream": streamed, **tools}

    def posting(self, text: str, *, streamed: bool, tool: bool = False) -> Posting:
        return self._posting("chat/completions", self._asked(text, streamed, tool))

    def say(self, text: str, *, streamed: bool, headers: dict[str, str], tool: bool = False) -> Said:
        answer: Any = self.client.chat.completions.create(**self._asked(text, streamed, tool), extra_headers=headers)
        if not streamed:
            (choice,) = answer.choices
            calls = choice.message.tool_calls or []
            arguments = "".join(call.function.arguments for call in calls)
            return Said(text=choice.message.content or "", arguments=arguments, finish=choice.finish_reason)
        choices = [choice for chunk in answer for choice in chunk.choices]
        calls = [call for choice in choices for call in choice.delta.tool_calls or ()]
        return Said(
            text="".join(choice.delta.content or "" for choice in choices),
            arguments="".join(call.function.arguments or "" for call in calls if call.function),
            finish=choices[-1].finish_reason,
        )


class OpenAiCompletions(_OpenAi):
    """Completions, as old programs use them."""

    name = "openai.completions"
    has_tools = False

    def _asked(self, text: str, streamed: bool) -> dict[str, Any]:
        return {"model": "gpt-3.5-turbo-instruct", "prompt": text, "stream": streamed, "max_tokens": 2000}

    def posting(self, text: str, *, streamed: bool, tool: bool = False) -> Posting:
        return self._posting("completions", self._asked(text, streamed))

    def say(self, text: str, *, streamed: bool, headers: dict[str, str], tool: bool = False) -> Said:
        answer: Any = self.client.completions.create(**self._asked(text, streamed), extra_headers=headers)
        choices = [choice for chunk in answer for choice in chunk.choices] if streamed else answer.choices
        return Said(text="".join(choice.text for choice in choices), finish=choices[-1].finish_reason)


class OpenAiResponses(_OpenAi):
    """Responses."""

    name = "openai.responses"

    def _asked(self, text: str, streamed: bool, tool: bool) -> dict[str, Any]:
        tools = {"tools": [{"type": "function", **FUNCTION}]} if tool else {}
        return {"model": "gpt-4o-mini", "input": text, "stream": streamed, **tools}

    def posting(self, text: str, *, streamed: bool, tool: bool = False) -> Posting:
        return self._posting("responses", self._asked(text, streamed, tool))

    def say(self, text: str, *, streamed: bool, headers: dict[str, str], tool: bool = False) -> Said:
        answer: Any = self.client.responses.create(**self._asked(text, streamed, tool), extra_headers=headers)
        if not streamed:
            arguments = "".join(item.arguments for item in answer.output if item.type == "function_call")
            return Said(text=answer.output_text, arguments=arguments, finish=_response_finish(answer))
        events = list(answer)
        deltas: dict[str, list[str]] = {"output_text": [], "function_call_arguments": []}
        for event in events:
            kind = event.type.removeprefix("response.").removesuffix(".delta")
            if event.type.endswith(".delta") and kind in deltas:
                deltas[kind].append(event.delta)
        text, arguments = ("".join(pieces) for pieces in deltas.values())
        return Said(text=text, arguments=arguments, finish=_response_finish(events[-1].response))


def _response_finish(response: Any) -> str | None:
    details = response.incomplete_details
    finish: str | None = details.reason if details else response.status
    return finish


class AnthropicMessages:
    """Messages."""

    name = "anthropic.messages"
    refused: type[Exception] = anthropic.PermissionDeniedError
    filtered = "refusal"
    has_tools = True

    def __init__(self, house: Any) -> None:
        web = anthropic.DefaultHttpxClient(proxy=house.proxy, verify=house.trust(), timeout=30)
        self.client = anthropic.Anthropic(api_key="sk-ant-e2e", http_client=web)

    def close(self) -> None:
        self.client.close()

    def asked(self, text: str, *, tool: bool = False) -> dict[str, Any]:
        tools = {"tools": [{"name": "run", "description": "Runs it", "input_schema": SCHEMA}]} if tool else {}
        messages = [{"role": "user", "content": text}]
        return {"model": "claude-sonnet-5", "max_tokens": 2000, "messages": messages, **tools}

    def posting(self, text: str, *, streamed: bool, tool: bool = False) -> Posting:
        headers = {"x-api-key": "sk-ant-e2e", "anthropic-version": "2023-06-01"}
        body = {**self.asked(text, tool=tool), "stream": streamed}
        return Posting(url="https://api.anthropic.com/v1/messages", body=body, headers=headers)

    def say(self, text: str, *, streamed: bool, headers: dict[str, str], tool: bool = False) -> Said:
        answer: Any = self.client.messages.create(**self.asked(text, tool=tool), stream=streamed, extra_headers=headers)
        if not streamed:
            calls = [block.input for block in answer.content if block.type == "tool_use"]
            said = "".join(block.text for block in answer.content if block.type == "text")
            return Said(text=said, arguments="".join(map(json.dumps, calls)), finish=answer.stop_reason)
        events = list(answer)
        assert events[-1].type == "message_stop"
        deltas = [event.delta for event in events if event.type == "content_block_delta"]
        (last,) = (event.delta for event in events if event.type == "message_delta")
        return Said(
            text="".join(delta.text for delta in deltas if delta.type == "text_delta"),
            arguments="".join(delta.partial_json for delta in deltas if delta.type == "input_json_delta"),
            finish=last.stop_reason,
        )

    def told(self, error: Any) -> Told:
        body = error.body
        return Told(status=error.status_code, code=body["error"]["code"], request_id=error.request_id)


class Gemini:
    """generateContent and streamGenerateContent."""

    name = "gemini.generate_content"
    refused: type[Exception] = genai_errors.ClientError
    filtered = "SAFETY"
    has_tools = True
    _model: ClassVar[str] = "gemini-2.0-flash"

    def __init__(self, house: Any) -> None:
        web = {"proxy": house.proxy, "verify": house.trust(), "trust_env": False, "timeout": 30}
        self.client = genai.Client(api_key="AIza-e2e", http_options=types.HttpOptions(client_args=web))

    def close(self) -> None:
        self.client.close()

    def posting(self, text: str, *, streamed: bool, tool: bool = False) -> Posting:
        tools = {"tools": [{"functionDeclarations": [FUNCTION]}]} if tool else {}
        method = "streamGenerateContent?alt=sse" if streamed else "generateContent"
        return Posting(
            url=f"https://generativelanguage.googleapis.com/v1beta/models/{self._model}:{method}",
            body={"contents": [{"role": "user", "parts": [{"text": text}]}], **tools},
            headers={"x-goog-api-key": "AIza-e2e"},
        )

    def say(self, text: str, *, streamed: bool, headers: dict[str, str], tool: bool = False) -> Said:
        declared = types.FunctionDeclaration(name="run", description="Runs it", parameters_json_schema=SCHEMA)
        config = types.GenerateContentConfig(
            http_options=types.HttpOptions(headers=headers),
            tools=[types.Tool(function_declarations=[declared])] if tool else None,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        models = self.client.models
        ask: Any = models.generate_content_stream if streamed else models.generate_content
        answer = ask(model=self._model, contents=text, config=config)
        chunks = list(answer) if streamed else [answer]
        candidates = [candidate for chunk in chunks for candidate in chunk.candidates or ()]
        parts = [part for item in candidates if item.content for part in item.content.parts or ()]
        finish = candidates[-1].finish_reason
        return Said(
            text="".join(part.text or "" for part in parts),
            arguments="".join(json.dumps(part.function_call.args) for part in parts if part.function_call),
            finish=finish.name if finish else None,
        )

    def told(self, error: Any) -> Told:
        (info,) = error.details["error"]["details"]
        return Told(status=error.code, code=info["reason"], request_id=info["metadata"]["request_id"])


class _Ollama(ABC):
    """Ollama's own two methods, whose wire is JSON lines; its library is httpx and no more."""

    refused: type[Exception] = httpx.HTTPStatusError
    filtered = "content_filter"

    def __init__(self, house: Any) -> None:
        self._house = house

    def close(self) -> None:  # noqa: B027  # nothing is kept between calls, so there is nothing to close
        """Nothing is kept."""

    @abstractmethod
    def posting(self, text: str, *, streamed: bool, tool: bool = False) -> Posting: ...

    def say(self, text: str, *, streamed: bool, headers: dict[str, str], tool: bool = False) -> Said:
        posting = self.posting(text, streamed=streamed, tool=tool)
        with self._house.client() as web, web.stream("POST", posting.url, json=posting.body, headers=headers) as answer:
            if answer.status_code != 200:
                answer.read()
            answer.raise_for_status()
            lines = [json.loads(line) for line in answer.iter_lines()]
        assert lines[-1]["done"] is True
        return self._said(lines)

    @abstractmethod
    def _said(self, lines: list[dict[str, Any]]) -> Said: ...

    def told(self, error: Any) -> Told:
        body = error.response.json()
        assert isinstance(body["error"], str)
        return Told(status=error.response.status_code, code=body["code"], request_id=body["request_id"])


class OllamaChat(_Ollama):
    """/api/chat."""

    name = "ollama.chat"
    has_tools = True

    def posting(self, text: str, *, streamed: bool, tool: bool = False) -> Posting:
        tools = {"tools": [{"type": "function", "function": FUNCTION}]} if tool else {}
        body = {"model": "llama3.2", "messages": [{"role": "user", "content": text}], "stream": streamed, **tools}
        return Posting(url="http://ollama.lan:11434/api/chat", body=body, headers={})

    def _said(self, lines: list[dict[str, Any]]) -> Said:
        messages = [line["message"] for line in lines]
        calls = [call["function"]["arguments"] for message in messages for call in message.get("tool_calls") or ()]
        return Said(
            text="".join(message["content"] for message in messages),
            arguments="".join(map(json.dumps, calls)),
            finish=lines[-1]["done_reason"],
        )


class OllamaGenerate(_Ollama):
    """/api/generate."""

    name = "ollama.generate"
    has_tools = False

    def posting(self, text: str, *, streamed: bool, tool: bool = False) -> Posting:
        body = {"model": "llama3.2", "prompt": text, "stream": streamed}
        return Posting(url="http://ollama.lan:11434/api/generate", body=body, headers={})

    def _said(self, lines: list[dict[str, Any]]) -> Said:
        return Said(text="".join(line["response"] for line in lines), finish=lines[-1]["done_reason"])


DIALECTS: tuple[type[Talker], ...] = (
    OpenAiChat,
    OpenAiCompletions,
    OpenAiResponses,
    AnthropicMessages,
    Gemini,
    OllamaChat,
    OllamaGenerate,
)
WITH_TOOLS = tuple(made for made in DIALECTS if made.has_tools)


def talkers(house: Any) -> Iterator[dict[str, Talker]]:
    """A client of each dialect by its name, for a fixture to give and then to end."""
    made = {kind.name: kind(house) for kind in DIALECTS}
    yield made
    for talker in made.values():
        talker.close()


def sim(way: Any, **script: Any) -> dict[str, str]:
    """Headers that find the call again here and at the provider, and tell the simulated model what to do."""
    told = ",".join(f"{key}={quote(str(value))}" for key, value in script.items())
    return {**way.header, "x-sim-id": way.id, **({"x-sim": told} if told else {})}


def raw(web: httpx.Client, posting: Posting, headers: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
    """The answer's head, and its body's bytes up to its end in order."""
    fields = {**posting.headers, **headers}
    with web.stream("POST", posting.url, json=posting.body, headers=fields) as answer:
        return answer, b"".join(answer.iter_raw())


def furnish(folder: Path, pack: str, policy: str) -> Path:
    """A pack in the rules of a home in `folder`, and a policy beside that home: its file."""
    rules = folder / "home" / "rules"
    rules.mkdir(parents=True, mode=0o700)
    rules.parent.chmod(0o700)
    (rules / "marks.rules.yaml").write_text(pack)
    file = folder / "test.policy.yaml"
    file.write_text(policy)
    return file
