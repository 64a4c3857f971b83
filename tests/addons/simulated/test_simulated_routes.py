from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from midwatch.simulated import Call, Script
from midwatch.simulated.openai.flavours import flavour_of
from midwatch.simulated.routes import route_of

PATHS = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/messages/batches",
    "/v1/responses/input_tokens",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/audio/transcriptions",
    "/v1/files",
    "/v1/batches",
    "/v1/conversations",
    "/v1/conversations/c/items",
    "/v1beta/models/gemini-2.5-flash:generateContent",
    "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
    "/v1beta/models/gemini-2.5-flash:batchEmbedContents",
    "/v1beta/models/gemini-2.5-flash:countTokens",
    "/api/chat",
    "/api/generate",
    "/api/embed",
)
KEYS = [
    "messages",
    "content",
    "role",
    "text",
    "type",
    "system",
    "tools",
    "function",
    "parameters",
    "properties",
    "input_schema",
    "functionDeclarations",
    "thinking",
    "stream_options",
    "include_usage",
    "response_format",
    "json_schema",
    "schema",
    "contents",
    "parts",
    "generationConfig",
    "thinkingConfig",
    "reasoning",
    "effort",
    "input",
    "prompt",
    "options",
    "format",
    "cache_control",
    "ttl",
    "max_tokens",
    "n",
    "output_config",
    "requests",
]

leaves = (
    st.none() | st.booleans() | st.integers(-5, 50) | st.sampled_from(["user", "use the tool", "function", "object"])
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
)
bodies = st.dictionaries(st.sampled_from(KEYS), values, max_size=6)


def call(path: str, body: dict[str, Any]) -> Call:
    return Call(method="POST", host="api.test", path=path, body=body, at=1_700_000_000, serial=1)


@example(body={"tools": [{"functionDeclarations": [None]}, None, {"function": 1}]}, stream=False)
@example(
    body={"format": {"properties": 1}, "prompt": "x", "messages": [{"role": "user", "content": [1]}]}, stream=False
)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("path", PATHS)
@given(body=bodies, stream=st.booleans())
def test_any_json_object_gets_an_answer(path: str, body: dict[str, Any], stream: bool) -> None:
    route = route_of("POST", path)
    assert route is not None
    answer = route.build(call(path, body | {"stream": stream}), Script())
    assert answer.status == 200
    if answer.body is not None:
        orjson.loads(answer.body)
    else:
        assert b"".join(answer.events)


def test_the_same_call_gets_the_same_answer() -> None:
    for path in PATHS:
        route = route_of("POST", path)
        assert route is not None
        body = {"messages": [{"role": "user", "content": "tides"}], "stream": True}
        first, second = (route.build(call(path, body), Script()) for _ in range(2))
        assert (first.body, b"".join(first.events)) == (second.body, b"".join(second.events))


@pytest.mark.parametrize(
    ("host", "path", "name"),
    [
        ("api.openai.com", "/v1/chat/completions", "openai"),
        ("127.0.0.1", "/v1/chat/completions", "openai"),
        ("127.0.0.1", "/openai/v1/chat/completions", "groq"),
        ("openrouter.ai", "/api/v1/chat/completions", "openrouter"),
        ("x.openai.azure.com", "/openai/deployments/d/chat/completions", "azure"),
        ("api.together.xyz", "/v1/chat/completions", "compatible"),
        ("api.openai.com.evil.test", "/v1/chat/completions", "compatible"),
    ],
)
def test_who_is_meant(host: str, path: str, name: str) -> None:
    assert flavour_of(host, path).name == name


def test_what_is_no_operation() -> None:
    assert route_of("GET", "/v1/chat/completions") is None
    assert route_of("POST", "/v1/vector_stores") is None
