"""Anthropic Messages: tables of its shapes, streams against whole answers, recordings, and anything at all."""

import json
from collections.abc import Iterable
from typing import Any

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, Response, ToolCall
from midwatch_core.model.stream import StreamKind
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages
from midwatch_core.wire.target import Target
from tests.core.wire.loopback import answering
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

DIALECT = AnthropicMessages()

REQUEST: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 1024,
    "temperature": 0.5,
    "stream": True,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "metadata": {"user_id": "user_1f_account__session_7e0c"},
    "mcp_servers": [{"type": "url", "url": "https://mcp.test", "name": "m", "authorization_token": "secret"}],
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "tools": [
        {"name": "get_weather", "description": "Weather", "input_schema": {"type": "object"}},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
        {"type": "mcp_toolset", "mcp_server_name": "m"},
    ],
    "messages": [
        {"role": "user", "content": "Hello"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Let me see.", "signature": "abc"},
                {"type": "redacted_thinking", "data": "opaque"},
                {"type": "text", "text": "I look it up.", "citations": [{"type": "char_location", "cited_text": "C"}]},
                {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Riga"}},
                {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "riga"}},
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "srv_1",
                    "content": [
                        {
                            "type": "web_search_result",
                            "title": "Riga",
                            "url": "https://r.test",
                            "encrypted_content": "x",
                        }
                    ],
                },
                {
                    "type": "code_execution_tool_result",
                    "tool_use_id": "srv_2",
                    "content": {"type": "code_execution_result", "stdout": "42", "stderr": "", "return_code": 0},
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "12 degrees"},
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_2",
                    "content": [
                        {"type": "text", "text": "rain"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                    ],
                },
                {"type": "mcp_tool_result", "tool_use_id": "mcp_1", "content": [{"type": "text", "text": "from mcp"}]},
                {
                    "type": "document",
                    "title": "Report",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Grass is green."},
                    "citations": {"enabled": True},
                },
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
                {"type": "image", "source": {"type": "url", "url": "https://i.test/x.png"}},
                {"type": "of_tomorrow", "body": {"words": "Read me too."}},
                {"type": "text", "text": "And now?"},
            ],
        },
        {"role": "system", "content": "New rules."},
    ],
}

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "Grüße 😀", "citations": [{"type": "char_location", "cited_text": "Grass"}]},
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Rīga", "days": [1, 2]}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srv_1",
            "content": [{"type": "web_search_result", "title": "Riga", "url": "https://r.test", "page_age": "x"}],
        },
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 10,
        "output_tokens": 20,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
        "service_tier": "priority",
    },
}


def _delta(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def _start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def _stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


EVENTS: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": {
            **MESSAGE,
            "content": [],
            "stop_reason": None,
            "usage": {**MESSAGE["usage"], "output_tokens": 1, "server_tool_use": None},
        },
    },
    {"type": "ping"},
    _start(0, type="thinking", thinking="", signature=""),
    _delta(0, type="thinking_delta", thinking="H"),
    _delta(0, type="thinking_delta", thinking="m."),
    _delta(0, type="signature_delta", signature="s"),
    _stop(0),
    _start(1, type="text", text=""),
    _delta(1, type="text_delta", text="Grüße"),
    _delta(1, type="text_delta", text=" 😀"),
    _delta(1, type="citations_delta", citation={"type": "char_location", "cited_text": "Grass"}),
    _stop(1),
    _start(2, type="tool_use", id="toolu_1", name="get_weather", input={}),
    _delta(2, type="input_json_delta", partial_json=""),
    _delta(2, type="input_json_delta", partial_json='{"city": "Rī'),
    _delta(2, type="input_json_delta", partial_json='ga", "days": [1, 2]}'),
    _stop(2),
    _start(3, type="tool_use", id="toolu_2", name="now", input={}),
    _delta(3, type="input_json_delta", partial_json=""),
    _stop(3),
    _start(4, **MESSAGE["content"][4]),
    _stop(4),
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 20, "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}},
    },
    {"type": "message_stop"},
]
STREAM = sse(*EVENTS, named=True)


def test_request_segments() -> None:
    request = read_request(DIALECT, REQUEST)
    assert request.decode_error is None
    definitions = {f"/tools/{n}": ("tool_definition", _compact(tool)) for n, tool in enumerate(REQUEST["tools"])}
    assert by_path(request) == definitions | {
        "/system/0/text": ("system", "Be brief."),
        "/messages/0/content": ("user", "Hello"),
        "/messages/1/content/0/thinking": ("reasoning", "Let me see."),
        "/messages/1/content/2/text": ("assistant", "I look it up."),
        "/messages/1/content/2/citations/0/cited_text": ("document", "C"),
        "/messages/1/content/3/input": ("tool_call", '{"city":"Riga"}'),
        "/messages/1/content/4/input": ("tool_call", '{"query":"riga"}'),
        "/messages/1/content/5/content/0/title": ("tool_result", "Riga"),
        "/messages/1/content/5/content/0/url": ("tool_result", "https://r.test"),
        "/messages/1/content/6/content/stdout": ("tool_result", "42"),
        "/messages/2/content/0/content": ("tool_result", "12 degrees"),
        "/messages/2/content/1/content/0/text": ("tool_result", "rain"),
        "/messages/2/content/2/content/0/text": ("tool_result", "from mcp"),
        "/messages/2/content/3/title": ("document", "Report"),
        "/messages/2/content/3/source/data": ("document", "Grass is green."),
        "/messages/2/content/6/body/words": ("user", "Read me too."),
        "/messages/2/content/7/text": ("user", "And now?"),
        "/messages/3/content": ("system", "New rules."),
    }


def test_request_fields() -> None:
    request = read_request(DIALECT, REQUEST)
    assert (request.model, request.stream) == ("claude-sonnet-4-5", True)
    assert request.tools == ("get_weather", "web_search", "m")
    assert set(request.parameters) == {"max_tokens", "temperature", "thinking", "metadata"}
    assert request.conversation_id == "7e0c"
    assert "secret" not in repr(request)


def test_system_as_a_string_and_a_session_in_json() -> None:
    body = {"system": "Be kind.", "messages": [], "metadata": {"user_id": '{"session_id": "s-1"}'}}
    request = read_request(DIALECT, body)
    assert by_path(request) == {"/system": ("system", "Be kind.")}
    assert request.conversation_id == "s-1"
    assert request.stream is False


@pytest.mark.parametrize("user_id", ["u1", "{not json", '["list"]', '{"session_id": 3}', 7, None])
def test_no_conversation_in_the_user_id(user_id: Any) -> None:
    assert read_request(DIALECT, {"metadata": {"user_id": user_id}}).conversation_id is None


def test_response_whole() -> None:
    response = read_response(DIALECT, MESSAGE)
    assert response.decode_error is None
    assert by_path(response) == {
        "/content/0/thinking": ("reasoning", "Hm."),
        "/content/1/text": ("assistant", "Grüße 😀"),
        "/content/1/citations/0/cited_text": ("document", "Grass"),
        "/content/2/input": ("tool_call", '{"city":"Rīga","days":[1,2]}'),
        "/content/3/input": ("tool_call", "{}"),
        "/content/4/content/0/title": ("tool_result", "Riga"),
        "/content/4/content/0/url": ("tool_result", "https://r.test"),
    }
    assert response.tool_calls == (
        ToolCall(id="toolu_1", name="get_weather", path="/content/2/input"),
        ToolCall(id="toolu_2", name="now", path="/content/3/input"),
    )
    assert (response.id, response.model, response.service_tier) == ("msg_1", "claude-sonnet-4-5", "priority")
    assert (response.finish_reason, response.raw_finish_reason) == (FinishReason.TOOL_CALLS, "tool_use")


def test_a_stream_is_the_message_it_streams() -> None:
    streamed, _ = read_stream(DIALECT, [STREAM])
    whole = read_response(DIALECT, MESSAGE)
    assert _comparable(streamed) == _comparable(whole)
    assert streamed.complete


@given(cuts)
def test_any_split_gives_the_same(where: list[int]) -> None:
    expected, all_events = read_stream(DIALECT, [STREAM])
    response, events = read_stream(DIALECT, split_at(STREAM, where))
    assert response == expected
    assert texts(events) == texts(all_events)


def test_events_on_the_way() -> None:
    _, events = read_stream(DIALECT, [sse(event, named=True) for event in EVENTS])
    kinds = [event.kind for event in events]
    assert kinds.count(StreamKind.USAGE) == 2
    assert kinds[-1] is StreamKind.FINISH
    assert texts(events)["/content/2/input"] == '{"city": "Rīga", "days": [1, 2]}'
    assert {event.path for event in events if event.kind is StreamKind.TOOL_RESULT} == {
        "/content/1/citations/0/cited_text",
        "/content/4/content/0/title",
        "/content/4/content/0/url",
    }


@pytest.mark.parametrize("cut", range(0, len(STREAM), 97))
def test_a_stream_cut_short_is_incomplete(cut: int) -> None:
    response, _ = read_stream(DIALECT, [STREAM[:cut]], in_order=False)
    assert response.complete is False
    whole = dict(texts(read_stream(DIALECT, [STREAM])[1]))
    for segment in response.segments:
        if segment.part.value != "tool_call":
            assert whole[segment.path].startswith(segment.text)


def test_the_stream_is_complete_at_its_terminal_event() -> None:
    response, _ = read_stream(DIALECT, [STREAM], in_order=False)
    assert response.complete


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        # Fresh input 10, nothing cached.
        ({"input_tokens": 10, "output_tokens": 5}, (10, 5, None, None, None)),
        # Input excludes what the cache read (100) and wrote (7): 10 + 100 + 7.
        (
            {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 7},
            (117, 5, 100, 7, None),
        ),
        # The breakdown tells the lifetimes: 10 + 3 + 4.
        (
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "cache_creation_input_tokens": 7,
                "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
            },
            (17, 5, None, 3, 4),
        ),
        # A later total above an early breakdown: the rest has its lifetime. 10 + 9.
        (
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "cache_creation_input_tokens": 9,
                "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 4},
            },
            (19, 5, None, 0, 9),
        ),
        # A compaction is billed beside the counts at the top: 10 + 180 in, 5 + 35 out.
        (
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "iterations": [
                    {"type": "compaction", "input_tokens": 180, "output_tokens": 35},
                    {"type": "message", "input_tokens": 10, "output_tokens": 5},
                ],
            },
            (190, 40, None, None, None),
        ),
    ],
)
def test_usage(usage: dict[str, Any], expected: tuple[int | None, ...]) -> None:
    read = read_response(DIALECT, {**MESSAGE, "usage": usage}).usage
    assert read is not None
    assert (
        read.input_tokens,
        read.output_tokens,
        read.cache_read_tokens,
        read.cache_write_5m_tokens,
        read.cache_write_1h_tokens,
    ) == expected


def test_usage_fees_reasoning_and_tiers() -> None:
    usage = {
        **MESSAGE["usage"],
        "output_tokens_details": {"thinking_tokens": 6},
        "iterations": [{"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 5, "output_tokens": 1}],
        "service_tier": "standard",
        "speed": "fast",
    }
    response = read_response(DIALECT, {**MESSAGE, "usage": usage})
    assert response.usage is not None
    assert response.usage.tool_fees == {"web_search": 2, "advisor": 1}
    assert response.usage.reasoning_tokens == 6
    assert response.service_tier == "fast"


def test_stream_usage_is_cumulative() -> None:
    events = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 5, "cache_read_input_tokens": 50}}},
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 9}},
        {"type": "message_delta", "delta": {}, "usage": {"input_tokens": 8, "output_tokens": 12}},
    ]
    response, _ = read_stream(DIALECT, [sse(*events)])
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (58, 12)


def test_a_vendors_zero_at_the_end_takes_nothing_back() -> None:
    events = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 50, "output_tokens": 0}}},
        {"type": "message_delta", "delta": {}, "usage": {"input_tokens": 0, "output_tokens": 9}},
    ]
    response, _ = read_stream(DIALECT, [sse(*events)])
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (50, 9)


def test_vertex_ai_names_model_and_streaming_in_the_path() -> None:
    path = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5:streamRawPredict"
    target = Target(host="h", path=path, captures={"model": "claude-sonnet-4-5"})
    request = read_request(DIALECT, {"anthropic_version": "vertex-2023-10-16", "messages": []}, target)
    assert (request.model, request.stream) == ("claude-sonnet-4-5", True)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("tool_use", FinishReason.TOOL_CALLS),
        ("pause_turn", FinishReason.PAUSE),
        ("refusal", FinishReason.REFUSAL),
        ("of_tomorrow", FinishReason.OTHER),
        (None, None),
    ],
)
def test_stop_reasons(raw: str | None, reason: FinishReason | None) -> None:
    whole = read_response(DIALECT, {**MESSAGE, "stop_reason": raw})
    event = {"type": "message_delta", "delta": {"stop_reason": raw}}
    streamed, _ = read_stream(DIALECT, [sse(event)])
    for response in (whole, streamed):
        assert (response.finish_reason, response.raw_finish_reason) == (reason, raw)


def test_a_refusals_explanation_is_read() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    whole = read_response(DIALECT, {**MESSAGE, "content": [], "stop_reason": "refusal", "stop_details": details})
    event = {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": details}}
    streamed, _ = read_stream(DIALECT, [sse(event)])
    for response in (whole, streamed):
        assert by_path(response) == {"/stop_details/explanation": ("assistant", "No.")}


def test_errors_whole_and_in_a_stream() -> None:
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "r"}
    whole = read_response(DIALECT, body, 529)
    streamed, _ = read_stream(DIALECT, [STREAM[:600] + b"\n\n" + sse(body, named=True)])
    for response in (whole, streamed):
        assert response.error is not None
        assert (response.error.type, response.error.message) == ("overloaded_error", "Overloaded")
        assert response.finish_reason is FinishReason.ERROR
    assert streamed.complete


def test_deltas_without_their_start_are_read() -> None:
    response, _ = read_stream(DIALECT, [sse(_delta(3, type="text_delta", text="late"))])
    assert by_path(response) == {"/content/3/text": ("assistant", "late")}


def test_an_odd_event_is_noted_and_the_next_is_read() -> None:
    bad = {"type": "content_block_delta", "index": [], "delta": {"type": "text_delta", "text": "x"}}
    response, _ = read_stream(DIALECT, [sse(bad) + b"data: {oops\n\n" + STREAM])
    assert response.decode_error is not None
    assert response.decode_error.startswith("event 1:")
    assert _comparable(response) == _comparable(read_response(DIALECT, MESSAGE))


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    read_request(DIALECT, data)
    read_response(DIALECT, data)
    read_stream(DIALECT, [data])


@given(mutated(REQUEST))
def test_any_request_is_survived(body: Any) -> None:
    read_request(DIALECT, body)


@given(mutated(MESSAGE))
def test_any_answer_is_survived(body: Any) -> None:
    read_response(DIALECT, body)


@given(mutated(EVENTS))
def test_any_stream_is_survived(events: Any) -> None:
    read_stream(DIALECT, [sse(*(events if isinstance(events, list) else [events]))])


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, anthropic.PermissionDeniedError),
        (429, anthropic.RateLimitError),
        (400, anthropic.BadRequestError),
        (503, anthropic.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_sdk_raises_our_refusal(status: int, error: type[anthropic.APIStatusError], stream: bool) -> None:
    refusal = Refusal(status=status, code="policy", message="Not here.", request_id="mw-1", retry_after_s=3)
    answer = DIALECT.refuse(refusal)
    headers = dict(answer.headers)
    assert headers["retry-after"] == "3"
    assert ("x-should-retry" in headers) == (status == 403)
    with pytest.raises(error) as caught:
        _ask(answer.status, answer.headers, answer.body, stream=stream)
    body: Any = caught.value.body
    assert body["error"]["code"] == "policy"
    assert body["error"]["message"] == "Not here."
    assert caught.value.request_id == "mw-1"


def test_the_sdk_raises_our_refusal_in_a_stream() -> None:
    refusal = Refusal(status=403, code="policy", message="Not here.", request_id="mw-1")
    body = b"".join(sse(event, named=True) for event in EVENTS[:9]) + DIALECT.refuse_in_stream(refusal)
    with pytest.raises(anthropic.APIStatusError, match="Not here"):
        _ask(200, [("content-type", "text/event-stream")], body, stream=True)
    response, _ = read_stream(DIALECT, [body])
    assert response.error is not None
    assert response.error.type == "permission_error"


@pytest.mark.parametrize("recording", recorded("anthropic"))
def test_recorded_answers(recording: Recording) -> None:
    message = recording.response.json
    response = read_response(DIALECT, recording.response.plain)
    usage = message["usage"]
    cached = (usage.get("cache_read_input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0)
    assert response.decode_error is None
    assert (response.model, response.raw_finish_reason) == (message["model"], message["stop_reason"])
    assert response.usage is not None
    assert response.usage.input_tokens == usage["input_tokens"] + cached
    assert response.usage.output_tokens == usage["output_tokens"]
    assert _said(response, "assistant") == "".join(b["text"] for b in message["content"] if b["type"] == "text")
    calls = [block for block in message["content"] if block["type"] == "tool_use"]
    assert [(call.id, call.name) for call in response.tool_calls] == [(call["id"], call["name"]) for call in calls]
    arguments = {item.path: json.loads(item.text) for item in response.segments if item.part.value == "tool_call"}
    assert [arguments[call.path] for call in response.tool_calls] == [call["input"] for call in calls]


@pytest.mark.parametrize("recording", recorded("anthropic", "anthropic-sse"))
def test_recorded_requests(recording: Recording) -> None:
    body = recording.request.json
    request = read_request(DIALECT, recording.request.plain)
    assert request.decode_error is None
    assert (request.model, request.stream) == (body["model"], body.get("stream", False))
    assert request.tools == tuple(tool["name"] for tool in body.get("tools", []))
    said = [item.text for item in request.segments if item.part.value == "user"]
    assert said == [
        text
        for message in body["messages"]
        for text in (
            [message["content"]] if isinstance(message["content"], str) else [b["text"] for b in message["content"]]
        )
    ]


@pytest.mark.parametrize("recording", recorded("anthropic-sse"))
def test_recorded_streams(recording: Recording) -> None:
    encoding = recording.response.headers.get("content-encoding", "")
    chunks = split_at(recording.response.body, list(range(0, len(recording.response.body), 61)))
    response, _ = read_stream(DIALECT, chunks, encoding=encoding)
    events = recording.response.sse
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    start = next(event["message"] for event in events if event["type"] == "message_start")
    last = next(event for event in events if event["type"] == "message_delta")
    assert response.complete
    assert response.decode_error is None
    assert (response.id, response.model) == (start["id"], start["model"])
    assert response.raw_finish_reason == last["delta"]["stop_reason"]
    assert _said(response, "assistant") == "".join(delta.get("text", "") for delta in deltas)
    assert _said(response, "reasoning") == "".join(delta.get("thinking", "") for delta in deltas)
    assert response.usage is not None
    assert response.usage.output_tokens == last["usage"]["output_tokens"]
    assert response.usage.input_tokens == (last["usage"].get("input_tokens") or start["usage"]["input_tokens"])


def _said(response: Response, part: str) -> str:
    return "".join(item.text for item in response.segments if item.part.value == part)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _comparable(response: Response) -> tuple[Any, ...]:
    """All but how many bytes it took and what went wrong on the way."""
    return (
        response.model,
        response.id,
        response.segments,
        response.tool_calls,
        response.finish_reason,
        response.raw_finish_reason,
        response.usage,
        response.service_tier,
    )


def _ask(status: int, headers: Iterable[tuple[str, str]], body: bytes, *, stream: bool) -> None:
    """The real client, given this answer."""
    with (
        answering(status, headers, body) as url,
        anthropic.Anthropic(api_key="k", max_retries=0, base_url=url) as client,
    ):
        params: Any = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
        if stream:
            list(client.messages.create(stream=True, **params))
        else:
            client.messages.create(**params)
