"""Cohere's chat, embeddings and rerank: tables of their shapes, streams, recordings, and anything at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, Operation, Response, ToolCall, ToolResult
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialect import Dialect, Refusal
from midwatch_core.wire.dialects.cohere.chat import CohereChat
from midwatch_core.wire.dialects.cohere.embed import CohereEmbed
from midwatch_core.wire.dialects.cohere.rerank import CohereRerank
from tests.core.wire.recordings import Recording, recorded
from tests.core.wire.wire_checks import (
    by_path,
    cuts,
    mutated,
    read_request,
    read_response,
    read_stream,
    split_at,
    sse,
    texts,
)

CHAT, EMBED, RERANK = CohereChat(), CohereEmbed(), CohereRerank()
DIALECTS: tuple[Dialect, ...] = (CHAT, EMBED, RERANK)
DONE = b"data: [DONE]\n\n"
ARGUMENTS = "/message/tool_calls/0/function/arguments"

TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Weather"}}
REQUEST: dict[str, Any] = {
    "model": "command-a-03-2025",
    "stream": True,
    "temperature": 0.3,
    "response_format": {"type": "json_object"},
    "tools": [TOOL],
    "documents": ["The sea is wet.", {"id": "d1", "data": {"title": "Log", "text": "All quiet."}}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {"url": "x"}}],
        },
        {
            "role": "assistant",
            "tool_plan": "I will look.",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
        },
        {
            "role": "tool",
            "tool_call_id": "c1",
            "content": [{"type": "document", "document": {"id": "0", "data": "rain"}}, {"type": "text", "text": "wet"}],
        },
    ],
}
SOURCE = {"type": "document", "id": "d1", "document": {"id": "d1", "text": "All quiet."}}
BILLED = {"billed_units": {"input_tokens": 33.0, "output_tokens": 22.0}, "cached_tokens": 144}
ANSWER: dict[str, Any] = {
    "id": "m1",
    "finish_reason": "TOOL_CALL",
    "message": {
        "role": "assistant",
        "tool_plan": "I will look.",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "now", "arguments": '{"zone":"utc"}'}}],
        "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Grüße 😀"}],
        "citations": [{"start": 0, "end": 5, "text": "Grüße", "sources": [SOURCE]}],
    },
    "usage": {**BILLED, "tokens": {"input_tokens": 1452, "output_tokens": 33}},
}
CALL: dict[str, Any] = ANSWER["message"]["tool_calls"][0]


def event(kind: str, index: int | None = None, **said: Any) -> dict[str, Any]:
    return {"type": kind, **({} if index is None else {"index": index}), "delta": {"message": said}}


EVENTS: list[dict[str, Any]] = [
    {**event("message-start", role="assistant"), "id": "m1"},
    event("tool-plan-delta", tool_plan="I will"),
    event("tool-plan-delta", tool_plan=" look."),
    event("tool-call-start", 0, tool_calls={**CALL, "function": {"name": "now", "arguments": ""}}),
    event("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"zone":'}}),
    event("tool-call-delta", 0, tool_calls={"function": {"arguments": '"utc"}'}}),
    {"type": "tool-call-end", "index": 0},
    event("content-start", 0, content={"type": "thinking", "thinking": ""}),
    event("content-delta", 0, content={"thinking": "Hm."}),
    {"type": "content-end", "index": 0},
    event("content-start", 1, content={"type": "text", "text": "Gr"}),
    event("content-delta", 1, content={"text": "üße 😀"}),
    event("citation-start", 0, citations=ANSWER["message"]["citations"][0]),
    {"type": "citation-end", "index": 0},
    {"type": "content-end", "index": 1},
    {"type": "debug", "prompt": "…"},
    {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": ANSWER["usage"]}},
]
STREAM = sse(*EVENTS, named=True) + DONE


def test_chat_request() -> None:
    request = read_request(CHAT, REQUEST)
    assert request.decode_error is None
    assert (request.operation, request.model, request.stream) == (Operation.CHAT, "command-a-03-2025", True)
    assert request.tools == ("get_weather",)
    assert request.parameters == {"temperature": 0.3, "response_format": {"type": "json_object"}}
    assert by_path(request) == {
        "/tools/0": ("tool_definition", json.dumps(TOOL, separators=(",", ":"))),
        "/documents/0": ("document", "The sea is wet."),
        "/documents/1/data/title": ("document", "Log"),
        "/documents/1/data/text": ("document", "All quiet."),
        "/messages/0/content": ("system", "Be brief."),
        "/messages/1/content/0/text": ("user", "Hello"),
        "/messages/2/tool_plan": ("reasoning", "I will look."),
        "/messages/2/tool_calls/0/function/arguments": ("tool_call", "{}"),
        "/messages/3/content/0/document/data": ("tool_result", "rain"),
        "/messages/3/content/1/text": ("tool_result", "wet"),
    }
    assert request.tool_results == (ToolResult(call_id="c1", path="/messages/3/content"),)


def test_chat_answer() -> None:
    response = read_response(CHAT, ANSWER)
    assert response.decode_error is None
    assert by_path(response) == {
        "/message/tool_plan": ("reasoning", "I will look."),
        ARGUMENTS: ("tool_call", '{"zone":"utc"}'),
        "/message/content/0/thinking": ("reasoning", "Hm."),
        "/message/content/1/text": ("assistant", "Grüße 😀"),
        "/message/citations/0/sources/0/document/text": ("document", "All quiet."),
    }
    assert response.tool_calls == (ToolCall(id="c1", name="now", path=ARGUMENTS),)
    assert (response.id, response.finish_reason, response.raw_finish_reason) == (
        "m1",
        FinishReason.TOOL_CALLS,
        "TOOL_CALL",
    )


def test_a_stream_is_the_answer_it_streams() -> None:
    streamed, _ = read_stream(CHAT, [STREAM])
    assert _comparable(streamed) == _comparable(read_response(CHAT, ANSWER))
    assert streamed.complete


@given(cuts)
def test_any_split_gives_the_same(where: list[int]) -> None:
    expected, all_events = read_stream(CHAT, [STREAM])
    response, events = read_stream(CHAT, split_at(STREAM, where))
    assert response == expected
    assert texts(events) == texts(all_events)


def test_a_stream_without_its_last_event_is_incomplete() -> None:
    response, _ = read_stream(CHAT, [sse(*EVENTS[:-1])])
    assert not response.complete
    assert (response.finish_reason, response.usage) == (None, None)


def test_what_is_billed_counts_and_not_what_was_read() -> None:
    assert read_response(CHAT, ANSWER).usage == Usage(input_tokens=33, output_tokens=22)
    tokens = {"tokens": {"input_tokens": 1452, "output_tokens": 33}, "cached_tokens": 144}
    told = read_response(CHAT, {**ANSWER, "usage": tokens}).usage
    assert told == Usage(input_tokens=1452, output_tokens=33, cache_read_tokens=144)
    assert read_response(CHAT, {**ANSWER, "usage": None}).usage is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("COMPLETE", FinishReason.STOP),
        ("STOP_SEQUENCE", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("TIMEOUT", FinishReason.ERROR),
        ("ERROR_TOXIC", FinishReason.CONTENT_FILTER),
        ("NEW", FinishReason.OTHER),
    ],
)
def test_finish_reasons(raw: str, reason: FinishReason) -> None:
    whole = read_response(CHAT, {**ANSWER, "finish_reason": raw})
    streamed, _ = read_stream(CHAT, [sse({"type": "message-end", "delta": {"finish_reason": raw}})])
    for response in (whole, streamed):
        assert (response.finish_reason, response.raw_finish_reason) == (reason, raw)


def test_a_generation_that_breaks_is_an_error() -> None:
    end = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "out of luck"}}
    response, _ = read_stream(CHAT, [sse(*EVENTS[:9], end)])
    assert response.error is not None
    assert (response.error.message, response.finish_reason, response.complete) == (
        "out of luck",
        FinishReason.ERROR,
        True,
    )


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        ({"model": "embed-v4.0", "texts": ["one", "two"]}, {"/texts/0": "one", "/texts/1": "two"}),
        (
            {"inputs": [{"content": [{"type": "text", "text": "one"}, {"type": "image_url", "image_url": {}}]}]},
            {"/inputs/0/content/0/text": "one"},
        ),
        ({"images": ["data:…"]}, {}),
    ],
)
def test_embed_request(body: Any, inputs: dict[str, str]) -> None:
    request = read_request(EMBED, {**body, "input_type": "search_query"})
    assert by_path(request) == {path: ("embedding_input", text) for path, text in inputs.items()}
    assert (request.operation, request.parameters) == (Operation.EMBEDDINGS, {"input_type": "search_query"})


def test_embed_answer() -> None:
    meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 3, "images": 0, "image_tokens": 700}}
    response = read_response(EMBED, {"id": "e1", "texts": ["one"], "embeddings": {"float": [[0.1]]}, "meta": meta})
    assert (response.id, response.segments, response.decode_error) == ("e1", (), None)
    assert response.usage == Usage(input_tokens=3, tool_fees={"image_tokens": 700})


def test_rerank() -> None:
    body = {"model": "rerank-v3.5", "query": "cats", "documents": ["a", {"id": "x", "text": "b"}], "top_n": 1}
    request = read_request(RERANK, body)
    assert by_path(request) == {
        "/query": ("user", "cats"),
        "/documents/0": ("document", "a"),
        "/documents/1/text": ("document", "b"),
    }
    assert (request.operation, request.model, request.parameters) == (Operation.RERANK, "rerank-v3.5", {"top_n": 1})
    results = [{"index": 1, "relevance_score": 0.9, "document": {"text": "b"}}]
    response = read_response(RERANK, {"id": "r1", "results": results, "meta": {"billed_units": {"search_units": 1}}})
    assert by_path(response) == {"/results/0/document/text": ("document", "b")}
    assert response.usage == Usage(tool_fees={"search_units": 1})


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.id)
def test_errors(dialect: Dialect) -> None:
    response = read_response(dialect, {"id": "x", "message": "model 'x' not found"}, 404)
    assert response.error is not None
    assert (response.error.type, response.error.message) == (None, "model 'x' not found")
    assert response.finish_reason is FinishReason.ERROR


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.id)
def test_refusals_are_read_as_errors(dialect: Dialect) -> None:
    refusal = Refusal(status=403, code="policy_blocked", message="No.", request_id="req-1")
    answer = dialect.refuse(refusal)
    assert json.loads(answer.body) == {"id": "req-1", "message": "No.", "code": "policy_blocked"}
    whole = read_response(dialect, answer.body, answer.status)
    streamed, _ = read_stream(dialect, [sse(*EVENTS[:3]), dialect.refuse_in_stream(refusal)])
    for response in (whole, streamed):
        assert response.error is not None
        assert response.error.message == "No."
        assert response.finish_reason is FinishReason.ERROR


def test_more_calls_than_any_answer_has_are_no_calls() -> None:
    response, _ = read_stream(CHAT, [sse(event("tool-call-start", 10**9, tool_calls=CALL), *EVENTS[-1:])])
    assert response.tool_calls == ()
    assert "is no index" in (response.decode_error or "")


@pytest.mark.parametrize("recording", recorded("cohere", "cohere-sse"))
def test_recordings_are_read_in_full(recording: Recording) -> None:
    request = read_request(CHAT, recording.request.plain)
    asked = recording.request.json
    assert (request.model, request.decode_error) == (asked["model"], None)
    assert len(request.tools) == len(asked["tools"])
    response, said = _answer(recording)
    assert (response.decode_error, response.complete) == (None, True)
    assert {item.path: item.text for item in response.segments if "citations" not in item.path} == said


def _answer(recording: Recording) -> tuple[Response, dict[str, str]]:
    """The answer, and its texts by a reading of the test's own."""
    said: dict[str, str] = {}
    if not recording.kind.endswith("sse"):
        message = recording.response.json["message"]
        said |= {f"/message/content/{at}/text": item["text"] for at, item in enumerate(message.get("content") or [])}
        calls = enumerate(message.get("tool_calls") or [])
        said |= {f"/message/tool_calls/{at}/function/arguments": call["function"]["arguments"] for at, call in calls}
        said |= {"/message/tool_plan": message["tool_plan"]} if "tool_plan" in message else {}
        return read_response(CHAT, recording.response.plain), said
    for item in recording.response.sse:
        told = item.get("delta", {}).get("message", {})
        if item["type"] == "tool-plan-delta":
            said["/message/tool_plan"] = said.get("/message/tool_plan", "") + told["tool_plan"]
        elif item["type"] == "tool-call-delta":
            path = f"/message/tool_calls/{item['index']}/function/arguments"
            said[path] = said.get(path, "") + told["tool_calls"]["function"]["arguments"]
    return read_stream(CHAT, [recording.response.plain])[0], said


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    for dialect in DIALECTS:
        read_request(dialect, data)
        read_response(dialect, data)
        read_stream(dialect, [data])


@given(mutated(REQUEST, ANSWER, {"texts": ["a"], "inputs": [{"content": "b"}], "query": "q", "results": []}))
def test_any_document_is_survived(body: Any) -> None:
    for dialect in DIALECTS:
        read_request(dialect, body)
        read_response(dialect, body)
        read_response(dialect, body, 400)


@given(mutated(EVENTS))
def test_any_stream_is_survived(events: Any) -> None:
    read_stream(CHAT, [sse(*(events if isinstance(events, list) else [events]))])


def _comparable(response: Response) -> Any:
    fields = ("id", "finish_reason", "raw_finish_reason", "usage", "error", "tool_calls", "complete", "decode_error")
    return {name: getattr(response, name) for name in fields} | {"texts": by_path(response)}
