"""What a client's tools brought, as each dialect's requests tell it."""

from typing import Any

import pytest
from hypothesis import given

from midwatch_core.model.content import ToolResult
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages
from midwatch_core.wire.dialects.gemini.generate_content import GeminiGenerateContent
from midwatch_core.wire.dialects.ollama.chat import OllamaChat
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from tests.core.wire.wire_checks import anything, read_request

CASES: dict[str, tuple[Dialect, dict[str, Any], tuple[ToolResult, ...]]] = {
    "openai": (
        OpenAIChat(),
        {
            "messages": [
                {"role": "user", "content": "go"},
                {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "a"}]},
                {"role": "function", "name": "old", "content": "b"},
            ]
        },
        (
            ToolResult(call_id="call_1", path="/messages/1/content"),
            ToolResult(call_id=None, name="old", path="/messages/2/content"),
        ),
    ),
    "responses": (
        OpenAIResponses(),
        {
            "input": [
                {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "call_1", "output": "a"},
                {"type": "apply_patch_call_output", "call_id": "call_2", "status": "failed", "output": "no"},
                {"type": "computer_call_output", "call_id": "call_3", "output": {"type": "computer_screenshot"}},
            ]
        },
        (
            ToolResult(call_id="call_1", path="/input/1/output"),
            ToolResult(call_id="call_2", path="/input/2/output", failed=True),
            ToolResult(call_id="call_3", path="/input/3/output"),
        ),
    ),
    "anthropic": (
        AnthropicMessages(),
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [
                        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
                        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a"},
                        {"type": "tool_result", "tool_use_id": "toolu_2", "content": "b", "is_error": True},
                    ],
                },
            ]
        },
        (
            ToolResult(call_id="toolu_1", path="/messages/1/content/0/content"),
            ToolResult(call_id="toolu_2", path="/messages/1/content/1/content", failed=True),
        ),
    ),
    "gemini": (
        GeminiGenerateContent(),
        {
            "contents": {
                "parts": [
                    {"functionResponse": {"id": "1", "name": "f", "response": {"output": "a"}}},
                    {"function_response": {"name": "g", "response": {"error": "b"}}},
                ]
            }
        },
        (
            ToolResult(call_id="1", name="f", path="/contents/parts/0/functionResponse/response"),
            ToolResult(call_id=None, name="g", path="/contents/parts/1/function_response/response", failed=True),
        ),
    ),
    "ollama": (
        OllamaChat(),
        {"messages": [{"role": "tool", "tool_name": "f", "content": "a"}, {"role": "tool", "content": "b"}]},
        (
            ToolResult(call_id=None, name="f", path="/messages/0/content"),
            ToolResult(call_id=None, path="/messages/1/content"),
        ),
    ),
}


@pytest.mark.parametrize("dialect", list(CASES))
def test_results_name_their_calls_and_where_they_stand(dialect: str) -> None:
    reader, body, expected = CASES[dialect]
    request = read_request(reader, body)
    assert request.tool_results == expected
    assert request.decode_error is None


@given(anything)
def test_a_request_of_any_shape_has_results_or_none(value: Any) -> None:
    for reader, body, _ in CASES.values():
        for key in body:
            read_request(reader, {key: value})
            read_request(reader, {key: [value, {"role": "tool", "content": value, "tool_call_id": value}]})
            read_request(reader, {key: [{"role": "user", "content": [value], "parts": [value], "type": value}]})
