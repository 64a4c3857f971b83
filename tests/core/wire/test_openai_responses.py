"""The Responses API: requests, answers in one piece and streamed, of OpenAI and of those who speak like it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, ProviderError, ToolCall
from midwatch_core.model.stream import StreamKind
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
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

RESPONSES = OpenAIResponses()

REQUEST: dict[str, Any] = {
    "model": "gpt-5",
    "stream": True,
    "instructions": "Be brief.",
    "previous_response_id": "resp_0",
    "conversation": {"id": "conv_1"},
    "service_tier": "priority",
    "reasoning": {"effort": "low"},
    "tools": [
        {"type": "function", "name": "f", "parameters": {}},
        {"type": "web_search"},
        {"type": "mcp", "server_label": "mail", "server_url": "https://mcp.test"},
    ],
    "prompt": {"id": "pmpt_1", "variables": {"city": "Oslo", "more": {"type": "input_text", "text": "x"}}},
    "input": [
        {"role": "developer", "content": "No jokes."},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Hi"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
                {"type": "input_file", "file_data": "AAAA", "filename": "a.pdf"},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Thought."}],
            "content": [{"type": "reasoning_text", "text": "Raw thought."}],
            "encrypted_content": "AAAA",
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Yes"}, {"type": "refusal", "refusal": "No"}],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {
            "type": "function_call_output",
            "call_id": "c1",
            "output": [{"type": "input_text", "text": "two"}, {"type": "input_image", "image_url": "data:,"}],
        },
        {"type": "custom_tool_call", "call_id": "c2", "name": "sh", "input": "ls"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "a.txt"},
        {
            "type": "mcp_call",
            "name": "send",
            "server_label": "mail",
            "arguments": "{}",
            "output": "sent",
            "error": None,
        },
        {"type": "mcp_list_tools", "server_label": "mail", "tools": [{"name": "send", "description": "Sends."}]},
        {"type": "mcp_approval_request", "name": "send", "arguments": '{"to":"x"}'},
        {"type": "mcp_approval_response", "approve": False, "reason": "Not to x."},
        {"type": "file_search_call", "queries": ["q"], "results": [{"file_id": "f", "filename": "n", "text": "found"}]},
        {"type": "web_search_call", "action": {"type": "search", "query": "weather"}},
        {
            "type": "code_interpreter_call",
            "code": "1+1",
            "container_id": "k",
            "outputs": [{"type": "logs", "logs": "2"}, {"type": "image", "url": "u"}],
        },
        {"type": "local_shell_call", "call_id": "c3", "action": {"type": "exec", "command": ["ls"]}},
        {"type": "local_shell_call_output", "id": "c3", "output": "b.txt"},
        {
            "type": "shell_call_output",
            "call_id": "c4",
            "output": [{"stdout": "out", "stderr": "err", "outcome": {"type": "exit"}}],
        },
        {"type": "apply_patch_call", "call_id": "c5", "operation": {"type": "delete_file", "path": "p"}},
        {
            "type": "computer_call_output",
            "call_id": "c6",
            "output": {"type": "computer_screenshot", "image_url": "data:,"},
        },
        {"type": "image_generation_call", "result": "AAAA", "revised_prompt": "A cat"},
        {"type": "item_reference", "id": "msg_1"},
    ],
}


def test_every_text_of_a_request_is_a_segment() -> None:
    request = read_request(RESPONSES, REQUEST)
    assert request.decode_error is None
    assert by_path(request) == {
        "/tools/0": ("tool_definition", '{"type":"function","name":"f","parameters":{}}'),
        "/tools/1": ("tool_definition", '{"type":"web_search"}'),
        "/tools/2": ("tool_definition", '{"type":"mcp","server_label":"mail","server_url":"https://mcp.test"}'),
        "/instructions": ("system", "Be brief."),
        "/prompt/variables/city": ("user", "Oslo"),
        "/prompt/variables/more/text": ("user", "x"),
        "/input/0/content": ("system", "No jokes."),
        "/input/1/content/0/text": ("user", "Hi"),
        "/input/2/summary/0/text": ("reasoning", "Thought."),
        "/input/2/content/0/text": ("reasoning", "Raw thought."),
        "/input/3/content/0/text": ("assistant", "Yes"),
        "/input/3/content/1/refusal": ("assistant", "No"),
        "/input/4/arguments": ("tool_call", '{"a":1}'),
        "/input/5/output": ("tool_result", "one"),
        "/input/6/output/0/text": ("tool_result", "two"),
        "/input/7/input": ("tool_call", "ls"),
        "/input/8/output": ("tool_result", "a.txt"),
        "/input/9/arguments": ("tool_call", "{}"),
        "/input/9/output": ("tool_result", "sent"),
        "/input/10/tools/0": ("tool_definition", '{"name":"send","description":"Sends."}'),
        "/input/11/arguments": ("tool_call", '{"to":"x"}'),
        "/input/12/reason": ("user", "Not to x."),
        "/input/13/queries": ("tool_call", '["q"]'),
        "/input/13/results/0/text": ("document", "found"),
        "/input/14/action": ("tool_call", '{"type":"search","query":"weather"}'),
        "/input/15/code": ("tool_call", "1+1"),
        "/input/15/outputs/0/logs": ("tool_result", "2"),
        "/input/16/action": ("tool_call", '{"type":"exec","command":["ls"]}'),
        "/input/17/output": ("tool_result", "b.txt"),
        "/input/18/output/0/stdout": ("tool_result", "out"),
        "/input/18/output/0/stderr": ("tool_result", "err"),
        "/input/19/operation": ("tool_call", '{"type":"delete_file","path":"p"}'),
        "/input/21/revised_prompt": ("tool_call", "A cat"),
    }


def test_a_request_s_links_tools_and_settings() -> None:
    request = read_request(RESPONSES, REQUEST)
    assert (request.model, request.stream) == ("gpt-5", True)
    assert (request.previous_response_id, request.conversation_id) == ("resp_0", "conv_1")
    assert request.tools == ("f", "web_search", "mail")
    assert request.parameters == {"service_tier": "priority", "reasoning": {"effort": "low"}}


def test_input_and_conversation_as_strings() -> None:
    request = read_request(RESPONSES, {"model": "m", "input": "Hi", "conversation": "conv_2"})
    assert by_path(request) == {"/input": ("user", "Hi")}
    assert request.conversation_id == "conv_2"
    assert request.decode_error is None


USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 64},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 32},
    "total_tokens": 150,
}
ITEMS: list[Any] = [
    {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Thought."}], "content": None},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "w"}},
    {"type": "web_search_call", "id": "ws_2", "status": "completed", "action": {"type": "open_page", "url": "u"}},
    {"type": "code_interpreter_call", "id": "ci_1", "code": "1+1", "container_id": "k", "outputs": None},
    {
        "type": "code_interpreter_call",
        "id": "ci_2",
        "code": "2+2",
        "container_id": "k",
        "outputs": [{"type": "logs", "logs": "4"}],
    },
    {"type": "file_search_call", "id": "fs", "queries": ["q"], "results": [{"text": "found"}]},
    {"type": "mcp_call", "id": "mcp", "name": "send", "arguments": "{}", "output": "sent", "error": None},
    {
        "type": "message",
        "id": "msg",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello", "annotations": []}, {"type": "refusal", "refusal": "No"}],
    },
    {"type": "function_call", "id": "fc", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
    {"type": "custom_tool_call", "id": "ct", "call_id": "c2", "name": "sh", "input": "ls"},
]
ANSWER: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "gpt-5-2025-08-07",
    "service_tier": "default",
    "instructions": "Be brief.",
    "error": None,
    "incomplete_details": None,
    "output": ITEMS,
    "usage": USAGE,
}
TEXTS = {
    "/output/0/summary/0/text": ("reasoning", "Thought."),
    "/output/1/action": ("tool_call", '{"type":"search","query":"w"}'),
    "/output/2/action": ("tool_call", '{"type":"open_page","url":"u"}'),
    "/output/3/code": ("tool_call", "1+1"),
    "/output/4/code": ("tool_call", "2+2"),
    "/output/4/outputs/0/logs": ("tool_result", "4"),
    "/output/5/queries": ("tool_call", '["q"]'),
    "/output/5/results/0/text": ("document", "found"),
    "/output/6/arguments": ("tool_call", "{}"),
    "/output/6/output": ("tool_result", "sent"),
    "/output/7/content/0/text": ("assistant", "Hello"),
    "/output/7/content/1/refusal": ("assistant", "No"),
    "/output/8/arguments": ("tool_call", '{"a":1}'),
    "/output/9/input": ("tool_call", "ls"),
}
CALLED = (
    ToolCall(id="ws_1", name="web_search", path="/output/1/action"),
    ToolCall(id="ws_2", name="web_search", path="/output/2/action"),
    ToolCall(id="ci_1", name="code_interpreter", path="/output/3/code"),
    ToolCall(id="ci_2", name="code_interpreter", path="/output/4/code"),
    ToolCall(id="fs", name="file_search", path="/output/5/queries"),
    ToolCall(id="mcp", name="send", path="/output/6/arguments"),
    ToolCall(id="c1", name="f", path="/output/8/arguments"),
    ToolCall(id="c2", name="sh", path="/output/9/input"),
)
FEES = {"web_search": 1, "code_interpreter": 1, "file_search": 1}
EXPECTED_USAGE = Usage(input_tokens=100, output_tokens=50, cache_read_tokens=64, reasoning_tokens=32, tool_fees=FEES)


def test_an_answer() -> None:
    response = read_response(RESPONSES, ANSWER)
    assert (response.id, response.model, response.service_tier) == ("resp_1", "gpt-5-2025-08-07", "default")
    assert by_path(response) == TEXTS
    assert response.tool_calls == CALLED
    assert response.usage == EXPECTED_USAGE
    assert (response.finish_reason, response.raw_finish_reason) == (FinishReason.TOOL_CALLS, "completed")
    assert response.decode_error is None


@pytest.mark.parametrize(
    ("change", "finish", "raw", "error"),
    [
        ({"output": ITEMS[:8]}, FinishReason.STOP, "completed", None),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            FinishReason.LENGTH,
            "max_output_tokens",
            None,
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            FinishReason.CONTENT_FILTER,
            "content_filter",
            None,
        ),
        ({"status": "incomplete"}, FinishReason.OTHER, "incomplete", None),
        (
            {"status": "failed", "error": {"code": "server_error", "message": "sorry"}},
            FinishReason.ERROR,
            "failed",
            ProviderError(type="server_error", message="sorry"),
        ),
        ({"status": "cancelled"}, FinishReason.CANCELLED, "cancelled", None),
        ({"status": "queued", "output": []}, None, None, None),
    ],
)
def test_how_an_answer_ends(
    change: dict[str, Any], finish: FinishReason | None, raw: str | None, error: ProviderError | None
) -> None:
    response = read_response(RESPONSES, {**ANSWER, **change})
    assert (response.finish_reason, response.raw_finish_reason, response.error) == (finish, raw, error)


def test_cache_writes_by_lifetime() -> None:
    details = {
        "cached_tokens": 0,
        "cache_write_tokens": 90,
        "cache_write_tokens_details": {"ttl_30m_tokens": 60, "ttl_12h_tokens": 30},
    }
    usage = read_response(
        RESPONSES, {**ANSWER, "output": [], "usage": {**USAGE, "input_tokens_details": details}}
    ).usage
    assert usage is not None
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens, usage.cache_write_tokens) == (60, 30, 90)


def test_an_http_error() -> None:
    response = read_response(RESPONSES, {"error": {"message": "no", "type": "invalid_request_error"}}, 400)
    assert response.error == ProviderError(type="invalid_request_error", message="no")


def begun(item: dict[str, Any]) -> dict[str, Any]:
    """An item as it is when it is added: nothing in it yet."""
    empty = {"arguments": "", "input": "", "code": "", "content": [], "summary": []}
    return {
        key: empty.get(key, value)
        for key, value in item.items()
        if key not in ("action", "results", "outputs", "output")
    }


def added(index: int) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": begun(ITEMS[index])}


def done(index: int) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": ITEMS[index]}


def delta(kind: str, index: int, text: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "item_id": "i", "output_index": index, "delta": text, **more}


CREATED = {"type": "response.created", "response": {**ANSWER, "status": "in_progress", "output": [], "usage": None}}
COMPLETED = {"type": "response.completed", "response": ANSWER}
STREAM: list[Any] = [
    CREATED,
    added(0),
    delta("reasoning_summary_text", 0, "Thou", summary_index=0),
    delta("reasoning_summary_text", 0, "ght.", summary_index=0),
    {"type": "response.reasoning_summary_text.done", "output_index": 0, "summary_index": 0, "text": "Thought."},
    done(0),
    *(event for index in (1, 2) for event in (added(index), done(index))),
    added(3),
    delta("code_interpreter_call_code", 3, "1+"),
    delta("code_interpreter_call_code", 3, "1"),
    done(3),
    added(4),
    done(4),
    added(5),
    done(5),
    added(6),
    delta("mcp_call_arguments", 6, "{}"),
    done(6),
    added(7),
    {"type": "response.content_part.added", "output_index": 7, "content_index": 0, "part": {"type": "output_text"}},
    delta("output_text", 7, "Hel", content_index=0, logprobs=[], obfuscation="x"),
    delta("output_text", 7, "lo", content_index=0),
    {"type": "response.output_text.done", "output_index": 7, "content_index": 0, "text": "Hello"},
    delta("refusal", 7, "No", content_index=1),
    done(7),
    added(8),
    delta("function_call_arguments", 8, '{"a"'),
    delta("function_call_arguments", 8, ":1}"),
    done(8),
    added(9),
    delta("custom_tool_call_input", 9, "ls"),
    done(9),
    COMPLETED,
]


def test_a_stream_says_what_the_whole_answer_says() -> None:
    data = sse(*STREAM, named=True)
    response, events = read_stream(RESPONSES, [data])
    assert by_path(response) == TEXTS
    assert response.tool_calls == CALLED
    assert response.usage == EXPECTED_USAGE
    assert (response.id, response.model, response.service_tier) == ("resp_1", "gpt-5-2025-08-07", "default")
    assert (response.finish_reason, response.raw_finish_reason) == (FinishReason.TOOL_CALLS, "completed")
    assert response.complete
    assert response.decode_error is None
    assert texts(events) == {path: text for path, (_, text) in TEXTS.items()}


def test_raw_reasoning_has_a_place_of_its_own() -> None:
    response, _ = read_stream(RESPONSES, [sse(delta("reasoning_text", 0, "Hm", content_index=0))])
    assert by_path(response) == {"/output/0/content/0/text": ("reasoning", "Hm")}


def test_a_server_that_sends_only_the_last_event() -> None:
    response, _ = read_stream(RESPONSES, [sse(CREATED, COMPLETED)])
    assert by_path(response) == TEXTS
    assert response.tool_calls == CALLED


def test_a_server_that_begins_items_and_ends_none() -> None:
    response, _ = read_stream(RESPONSES, [sse(*map(added, range(len(ITEMS))), COMPLETED)])
    assert by_path(response) == TEXTS
    assert response.tool_calls == CALLED


def test_a_server_whose_last_event_has_no_output() -> None:
    bare = {"type": "response.completed", "response": {**ANSWER, "output": []}}
    response, _ = read_stream(RESPONSES, [sse(*STREAM[:-1], bare)])
    assert by_path(response) == TEXTS
    assert response.usage == EXPECTED_USAGE
    assert response.finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    ("last", "finish", "error"),
    [
        (
            {
                "type": "response.incomplete",
                "response": {**ANSWER, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            },
            FinishReason.LENGTH,
            None,
        ),
        (
            {
                "type": "response.failed",
                "response": {**ANSWER, "status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}},
            },
            FinishReason.ERROR,
            ProviderError(type="rate_limit_exceeded", message="slow"),
        ),
        (
            {"type": "error", "code": "server_error", "message": "sorry", "param": None},
            FinishReason.ERROR,
            ProviderError(type="server_error", message="sorry"),
        ),
        (
            {"type": "error", "error": {"type": "too_many", "code": None, "message": "sorry"}},
            FinishReason.ERROR,
            ProviderError(type="too_many", message="sorry"),
        ),
    ],
)
def test_other_ends_of_a_stream(last: Any, finish: FinishReason, error: ProviderError | None) -> None:
    response, _ = read_stream(RESPONSES, [sse(CREATED, last, named=True)])
    assert (response.finish_reason, response.error, response.complete) == (finish, error, True)


def test_it_is_complete_at_its_last_event_only() -> None:
    assert not read_stream(RESPONSES, [sse(*STREAM[:-1])])[0].complete
    assert read_stream(RESPONSES, [sse(*STREAM)], in_order=False)[0].complete


def test_usage_and_finish_are_events() -> None:
    _, events = read_stream(RESPONSES, [sse(*STREAM)])
    assert [event.kind for event in events][-2:] == [StreamKind.USAGE, StreamKind.FINISH]


@given(where=cuts)
def test_any_split_gives_the_same(where: list[int]) -> None:
    data = sse(*STREAM, named=True)
    expected, _ = read_stream(RESPONSES, [data])
    response, events = read_stream(RESPONSES, split_at(data, where))
    assert response == expected
    assert texts(events) == {path: text for path, (_, text) in TEXTS.items()}


@given(body=mutated(REQUEST))
def test_no_request_makes_it_raise(body: Any) -> None:
    read_request(RESPONSES, body)


@given(body=mutated(ANSWER))
def test_no_answer_makes_it_raise(body: Any) -> None:
    read_response(RESPONSES, body)


@given(events=st.lists(mutated(*STREAM), max_size=5))
def test_no_event_makes_it_raise(events: list[Any]) -> None:
    read_stream(RESPONSES, [sse(*events)])


@given(data=st.binary(max_size=100))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    read_request(RESPONSES, data)
    read_response(RESPONSES, data)
    read_stream(RESPONSES, [b"data: " + data + b"\n\n"])
