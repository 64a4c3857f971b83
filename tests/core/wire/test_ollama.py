"""Ollama's chat, generate and embeddings: tables of their shapes, streams, recordings, and anything at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, Operation, Response, ToolCall
from midwatch_core.wire.dialect import Dialect, Refusal
from midwatch_core.wire.dialects.ollama.chat import OllamaChat
from midwatch_core.wire.dialects.ollama.embeddings import OllamaEmbeddings
from midwatch_core.wire.dialects.ollama.generate import OllamaGenerate
from tests.core.wire.recordings import Recording, recorded
from tests.core.wire.wire_checks import (
    by_path,
    cuts,
    mutated,
    ndjson,
    read_request,
    read_response,
    read_stream,
    split_at,
    texts,
)

CHAT, GENERATE, EMBEDDINGS = OllamaChat(), OllamaGenerate(), OllamaEmbeddings()
DIALECTS: tuple[Dialect, ...] = (CHAT, GENERATE, EMBEDDINGS)
NDJSON = "application/x-ndjson"

CHAT_REQUEST: dict[str, Any] = {
    "model": "llama3.1",
    "options": {"temperature": 0},
    "think": True,
    "tools": [{"type": "function", "function": {"name": "get_weather", "description": "Weather"}}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello", "images": ["AAAA"]},
        {
            "role": "assistant",
            "content": "",
            "thinking": "Hm.",
            "tool_calls": [{"function": {"name": "get_weather", "arguments": {"city": "Riga"}}}],
        },
        {"role": "tool", "tool_name": "get_weather", "content": "rain"},
    ],
}
CHAT_ANSWER: dict[str, Any] = {
    "model": "llama3.1",
    "created_at": "2026-01-01T00:00:00Z",
    "message": {
        "role": "assistant",
        "content": "Grüße 😀",
        "thinking": "Let me see.",
        "tool_calls": [
            {"id": "c1", "function": {"index": 0, "name": "get_weather", "arguments": {"city": "Rīga"}}},
            {"function": {"name": "now", "arguments": {}}},
        ],
    },
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 26,
    "eval_count": 9,
}
CALLS: list[dict[str, Any]] = CHAT_ANSWER["message"]["tool_calls"]


def _line(**message: Any) -> dict[str, Any]:
    return {"model": "llama3.1", "message": {"role": "assistant", "content": "", **message}, "done": False}


CHAT_LINES = [
    _line(thinking="Let me"),
    _line(thinking=" see."),
    _line(content="Grüße"),
    _line(content=" 😀"),
    _line(tool_calls=[CALLS[0]]),
    _line(tool_calls=[CALLS[1]]),
    {**CHAT_ANSWER, "message": {"role": "assistant", "content": ""}},
]
CHAT_STREAM = ndjson(*CHAT_LINES)

GENERATE_REQUEST: dict[str, Any] = {
    "model": "codellama",
    "prompt": "def f(",
    "suffix": "return x",
    "system": "Be brief.",
    "template": "{{ .Prompt }}",
    "context": [1, 2, 3],
    "stream": False,
    "keep_alive": "5m",
}
GENERATE_LINES: list[dict[str, Any]] = [
    {"model": "codellama", "response": "", "thinking": "Hm.", "done": False},
    {"model": "codellama", "response": "x)", "done": False},
    {"model": "codellama", "response": ":", "done": False},
    {
        "model": "codellama",
        "response": "",
        "done": True,
        "done_reason": "length",
        "prompt_eval_count": 5,
        "eval_count": 3,
        "context": [1],
    },
]
GENERATE_ANSWER: dict[str, Any] = {**GENERATE_LINES[3], "response": "x):", "thinking": "Hm."}


def test_chat_request() -> None:
    request = read_request(CHAT, CHAT_REQUEST)
    assert request.decode_error is None
    assert (request.operation, request.model, request.stream) == (Operation.CHAT, "llama3.1", True)
    assert request.tools == ("get_weather",)
    assert set(request.parameters) == {"options", "think"}
    assert by_path(request) == {
        "/tools/0": ("tool_definition", json.dumps(CHAT_REQUEST["tools"][0], separators=(",", ":"))),
        "/messages/0/content": ("system", "Be brief."),
        "/messages/1/content": ("user", "Hello"),
        "/messages/2/thinking": ("reasoning", "Hm."),
        "/messages/2/tool_calls/0/function/arguments": ("tool_call", '{"city":"Riga"}'),
        "/messages/3/content": ("tool_result", "rain"),
    }


def test_generate_request() -> None:
    request = read_request(GENERATE, GENERATE_REQUEST)
    assert request.decode_error is None
    assert (request.operation, request.stream) == (Operation.TEXT_COMPLETION, False)
    assert request.parameters == {"keep_alive": "5m"}
    assert by_path(request) == {
        "/system": ("system", "Be brief."),
        "/template": ("system", "{{ .Prompt }}"),
        "/prompt": ("user", "def f("),
        "/suffix": ("user", "return x"),
    }


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        ({"model": "m", "input": "one"}, {"/input": "one"}),
        ({"model": "m", "input": ["one", "two"]}, {"/input/0": "one", "/input/1": "two"}),
        ({"model": "m", "prompt": "old"}, {"/prompt": "old"}),
        ({"model": "m", "prompt": ""}, {}),
    ],
)
def test_embeddings_request(body: Any, inputs: dict[str, str]) -> None:
    request = read_request(EMBEDDINGS, body)
    assert by_path(request) == {path: ("embedding_input", text) for path, text in inputs.items()}
    assert (request.operation, request.stream, request.decode_error) == (Operation.EMBEDDINGS, False, None)


def test_chat_answer() -> None:
    response = read_response(CHAT, CHAT_ANSWER)
    assert response.decode_error is None
    assert by_path(response) == {
        "/message/content": ("assistant", "Grüße 😀"),
        "/message/thinking": ("reasoning", "Let me see."),
        "/message/tool_calls/0/function/arguments": ("tool_call", '{"city":"Rīga"}'),
        "/message/tool_calls/1/function/arguments": ("tool_call", "{}"),
    }
    assert response.tool_calls == (
        ToolCall(id="c1", name="get_weather", path="/message/tool_calls/0/function/arguments"),
        ToolCall(id=None, name="now", path="/message/tool_calls/1/function/arguments"),
    )
    assert (response.finish_reason, response.raw_finish_reason) == (FinishReason.TOOL_CALLS, "stop")
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (26, 9)


def test_embeddings_answer() -> None:
    response = read_response(EMBEDDINGS, {"model": "m", "embeddings": [[0.1]], "prompt_eval_count": 8})
    assert (response.model, response.segments, response.decode_error) == ("m", (), None)
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (8, None)


@pytest.mark.parametrize(
    ("dialect", "lines", "answer"), [(CHAT, CHAT_LINES, CHAT_ANSWER), (GENERATE, GENERATE_LINES, GENERATE_ANSWER)]
)
def test_a_stream_is_the_answer_it_streams(dialect: Dialect, lines: list[Any], answer: Any) -> None:
    streamed, _ = read_stream(dialect, [ndjson(*lines)], content_type=NDJSON)
    assert _comparable(streamed) == _comparable(read_response(dialect, answer))
    assert streamed.complete


@given(cuts)
def test_any_split_gives_the_same(where: list[int]) -> None:
    expected, all_events = read_stream(CHAT, [CHAT_STREAM], content_type=NDJSON)
    response, events = read_stream(CHAT, split_at(CHAT_STREAM, where), content_type=NDJSON)
    assert response == expected
    assert texts(events) == texts(all_events)


def test_a_stream_without_its_last_line_is_incomplete() -> None:
    response, _ = read_stream(CHAT, [ndjson(*CHAT_LINES[:-1])], content_type=NDJSON)
    assert not response.complete
    assert (response.finish_reason, response.usage) == (None, None)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("load", FinishReason.OTHER),
        (None, FinishReason.STOP),
    ],
)
def test_finish_reasons(raw: str | None, reason: FinishReason) -> None:
    body = {"model": "m", "response": "x", "done": True, "done_reason": raw}
    for response in (
        read_response(GENERATE, body),
        read_stream(GENERATE, [ndjson(body)], content_type=NDJSON)[0],
    ):
        assert (response.finish_reason, response.raw_finish_reason) == (reason, raw)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.id)
def test_errors_whole_and_in_a_stream(dialect: Dialect) -> None:
    body = {"error": "model 'x' not found"}
    whole = read_response(dialect, body, 404)
    streamed, _ = read_stream(dialect, [ndjson(body)], content_type=NDJSON)
    for response in (whole, streamed):
        assert response.error is not None
        assert response.error.message == "model 'x' not found"
        assert response.finish_reason is FinishReason.ERROR
    assert streamed.complete


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.id)
def test_refusals(dialect: Dialect) -> None:
    refusal = Refusal(status=429, code="budget", message="Spent.", request_id="mw-1", retry_after_s=60)
    answer = dialect.refuse(refusal)
    assert answer.status == 429
    assert ("retry-after", "60") in answer.headers
    assert json.loads(answer.body) == {"error": "Spent.", "code": "budget", "request_id": "mw-1"}
    line = dialect.refuse_in_stream(refusal)
    response, _ = read_stream(dialect, [CHAT_STREAM[:200] + b"\n", line], content_type=NDJSON)
    assert response.error is not None
    assert response.error.message == "Spent."


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    for dialect in DIALECTS:
        read_request(dialect, data)
        read_response(dialect, data)
        read_stream(dialect, [data], content_type=NDJSON)


@given(mutated(CHAT_REQUEST, GENERATE_REQUEST, CHAT_ANSWER, GENERATE_ANSWER))
def test_any_body_is_survived(body: Any) -> None:
    for dialect in DIALECTS:
        read_request(dialect, body)
        read_response(dialect, body)


@given(mutated(CHAT_LINES, GENERATE_LINES))
def test_any_stream_is_survived(lines: Any) -> None:
    body = ndjson(*(lines if isinstance(lines, list) else [lines]))
    for dialect in DIALECTS:
        read_stream(dialect, [body], content_type=NDJSON)


@pytest.mark.parametrize("recording", recorded("ollama-chat"))
def test_recorded_answers(recording: Recording) -> None:
    body = recording.response.json
    response = read_response(CHAT, recording.response.plain)
    assert response.decode_error is None
    assert (response.model, response.raw_finish_reason) == (body["model"], body["done_reason"])
    assert by_path(response) == {"/message/content": ("assistant", body["message"]["content"])}
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (
        body["prompt_eval_count"],
        body["eval_count"],
    )


@pytest.mark.parametrize("recording", recorded("ollama-chat-ndjson", "ollama-generate-ndjson"))
def test_recorded_streams(recording: Recording) -> None:
    chat = recording.kind == "ollama-chat-ndjson"
    body = recording.response.body
    chunks = split_at(body, list(range(0, len(body), 37)))
    response, _ = read_stream(CHAT if chat else GENERATE, chunks, content_type=NDJSON)
    lines = recording.response.ndjson
    said = "".join(line["message"]["content"] if chat else line["response"] for line in lines)
    assert response.complete
    assert response.decode_error is None
    assert response.model == lines[0]["model"]
    assert response.raw_finish_reason == lines[-1].get("done_reason")
    assert [item.text for item in response.segments] == [said]
    assert response.usage is not None
    assert response.usage.input_tokens == lines[-1].get("prompt_eval_count")
    assert response.usage.output_tokens == lines[-1]["eval_count"]


@pytest.mark.parametrize("recording", recorded("ollama-chat", "ollama-chat-ndjson", "ollama-generate-ndjson"))
def test_recorded_requests(recording: Recording) -> None:
    body = recording.request.json
    dialect = GENERATE if "prompt" in body else CHAT
    request = read_request(dialect, recording.request.plain)
    assert request.decode_error is None
    assert (request.model, request.stream) == (body["model"], body["stream"])
    said = [body["prompt"]] if "prompt" in body else [item["content"] for item in body["messages"] if item["content"]]
    assert [item.text for item in request.segments if item.part.value != "tool_call"] == said


def _comparable(response: Response) -> tuple[Any, ...]:
    return (
        response.model,
        response.segments,
        response.tool_calls,
        response.finish_reason,
        response.raw_finish_reason,
        response.usage,
        response.decode_error,
    )
