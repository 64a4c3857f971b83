"""Cohere's chat of version 1: one message and the talk before it, whole and as JSON lines, and anything at all."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, ToolCall, ToolResult
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.cohere.v1_chat import CohereV1Chat
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

DIALECT = CohereV1Chat()
LINES = "application/stream+json"
CALL = {"name": "get_weather", "parameters": {"city": "Riga"}}
RESULT = {"call": CALL, "outputs": [{"weather": "rain"}]}

REQUEST: dict[str, Any] = {
    "model": "command-r-08-2024",
    "stream": True,
    "preamble": "Be brief.",
    "message": "And in Riga?",
    "conversation_id": "c-1",
    "temperature": 0.3,
    "documents": [{"id": "d0", "snippet": "The sea is wet."}],
    "connectors": [{"id": "web-search", "user_access_token": "kept out"}],
    "tools": [{"name": "get_weather", "description": "Weather", "parameter_definitions": {"city": {"type": "str"}}}],
    "chat_history": [
        {"role": "USER", "message": "Hello"},
        {"role": "CHATBOT", "message": "Hi.", "tool_calls": [CALL]},
        {"role": "TOOL", "tool_results": [RESULT]},
    ],
    "tool_results": [RESULT],
}
ANSWER: dict[str, Any] = {
    "generation_id": "g1",
    "response_id": "r1",
    "text": "I will look.",
    "finish_reason": "COMPLETE",
    "tool_calls": [CALL],
    "citations": [{"start": 0, "end": 1, "text": "I", "document_ids": ["d0"]}],
    "chat_history": [{"role": "USER", "message": "And in Riga?"}, {"role": "CHATBOT", "message": "I will look."}],
    "meta": {"api_version": {"version": "1"}, "billed_units": {"input_tokens": 30, "output_tokens": 5}},
}
EVENTS: list[dict[str, Any]] = [
    {"event_type": "stream-start", "generation_id": "g1"},
    {"event_type": "tool-calls-chunk", "tool_call_delta": {"text": "I will"}},
    {"event_type": "text-generation", "text": " look."},
    {"event_type": "tool-calls-chunk", "tool_call_delta": {"index": 0.0, "name": "get_weather"}},
    {"event_type": "tool-calls-chunk", "tool_call_delta": {"index": 0.0, "parameters": '{\n "city": '}},
    {"event_type": "tool-calls-chunk", "tool_call_delta": {"index": 0.0, "parameters": '"Riga"}'}},
    {"event_type": "tool-calls-generation", "text": "I will look.", "tool_calls": [CALL]},
    {"event_type": "stream-end", "is_finished": True, "finish_reason": "COMPLETE", "response": ANSWER},
]
STREAM = ndjson(*EVENTS)
REFUSAL = Refusal(status=403, code="policy_blocked", message="No.", request_id="req-1")


def test_a_request() -> None:
    request = read_request(DIALECT, REQUEST)
    assert request.decode_error is None
    assert (request.model, request.stream, request.conversation_id) == ("command-r-08-2024", True, "c-1")
    assert (request.tools, request.parameters) == (("get_weather",), {"temperature": 0.3})
    assert by_path(request) == {
        "/tools/0": ("tool_definition", json.dumps(REQUEST["tools"][0], separators=(",", ":"))),
        "/preamble": ("system", "Be brief."),
        "/documents/0/snippet": ("document", "The sea is wet."),
        "/chat_history/0/message": ("user", "Hello"),
        "/chat_history/1/message": ("assistant", "Hi."),
        "/chat_history/1/tool_calls/0/parameters": ("tool_call", '{"city":"Riga"}'),
        "/chat_history/2/tool_results/0/call/parameters": ("tool_call", '{"city":"Riga"}'),
        "/chat_history/2/tool_results/0/outputs/0/weather": ("tool_result", "rain"),
        "/message": ("user", "And in Riga?"),
        "/tool_results/0/call/parameters": ("tool_call", '{"city":"Riga"}'),
        "/tool_results/0/outputs/0/weather": ("tool_result", "rain"),
    }
    assert request.tool_results == (
        ToolResult(call_id=None, name="get_weather", path="/chat_history/2/tool_results/0/outputs"),
        ToolResult(call_id=None, name="get_weather", path="/tool_results/0/outputs"),
    )


def test_an_answer() -> None:
    response = read_response(DIALECT, ANSWER)
    assert by_path(response) == {
        "/text": ("assistant", "I will look."),
        "/tool_calls/0/parameters": ("tool_call", '{"city":"Riga"}'),
        "/citations/0/text": ("document", "I"),
        "/chat_history/0/message": ("user", "And in Riga?"),
        "/chat_history/1/message": ("assistant", "I will look."),
    }
    assert response.tool_calls == (ToolCall(id=None, name="get_weather", path="/tool_calls/0/parameters"),)
    assert (response.id, response.finish_reason, response.raw_finish_reason) == (
        "g1",
        FinishReason.TOOL_CALLS,
        "COMPLETE",
    )
    assert (response.usage, response.decode_error) == (Usage(input_tokens=30, output_tokens=5), None)


def test_a_stream_is_the_answer_it_streams() -> None:
    streamed, _ = read_stream(DIALECT, [STREAM], content_type=LINES)
    whole = read_response(DIALECT, ANSWER)
    assert by_path(streamed) == by_path(whole)
    for name in ("id", "tool_calls", "finish_reason", "raw_finish_reason", "usage", "complete", "decode_error"):
        assert getattr(streamed, name) == getattr(whole, name), name


@given(cuts)
def test_any_split_gives_the_same(where: list[int]) -> None:
    expected, all_events = read_stream(DIALECT, [STREAM], content_type=LINES)
    response, events = read_stream(DIALECT, split_at(STREAM, where), content_type=LINES)
    assert response == expected
    assert texts(events) == texts(all_events)


def test_a_stream_without_its_last_line_is_incomplete() -> None:
    response, _ = read_stream(DIALECT, [ndjson(*EVENTS[:-1])], content_type=LINES)
    assert (response.complete, response.finish_reason) == (False, None)


def test_errors_and_refusals() -> None:
    answer = DIALECT.refuse(REFUSAL)
    begun = ndjson(*EVENTS[:2])
    for response in (
        read_response(DIALECT, {"message": "No."}, 429),
        read_response(DIALECT, answer.body, answer.status),
        read_stream(DIALECT, [begun, ndjson({"message": "No."})], content_type=LINES)[0],
        read_stream(DIALECT, [begun, DIALECT.refuse_in_stream(REFUSAL)], content_type=LINES)[0],
    ):
        assert response.error is not None
        assert (response.error.message, response.finish_reason) == ("No.", FinishReason.ERROR)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    read_request(DIALECT, data)
    read_response(DIALECT, data)
    read_stream(DIALECT, [data], content_type=LINES)


@given(mutated(REQUEST, ANSWER))
def test_any_document_is_survived(body: Any) -> None:
    read_request(DIALECT, body)
    read_response(DIALECT, body)
    read_response(DIALECT, body, 400)


@given(mutated(EVENTS))
def test_any_stream_is_survived(events: Any) -> None:
    read_stream(DIALECT, [ndjson(*(events if isinstance(events, list) else [events]))], content_type=LINES)
