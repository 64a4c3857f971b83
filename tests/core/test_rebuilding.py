"""Bodies rebuilt from skeleton and texts, and streamed answers put together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import Json, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.rebuilding import assembled, rebuilt
from midwatch_core.sealing import Sealer, skeleton
from midwatch_core.wire.decoding import decode_document
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.target import Target

_SEALER = Sealer(b"key", "acme")
_DIALECTS = {dialect.id: dialect for dialect in BUILTIN}
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
_REQUESTS: dict[str, dict[str, Any]] = {
    "openai.chat": {
        "model": "gpt-5",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": '{"not": "an object"}'}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"city":"Lisbon"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": '{"degrees":21}'},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": "Weather", "parameters": _SCHEMA}}],
    },
    "anthropic.messages": {
        "model": "claude-sonnet-5",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "Be brief."}],
        "tools": [{"name": "f", "input_schema": _SCHEMA}],
        "messages": [
            {"role": "user", "content": "Where?"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"city": "Faro"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "21"}]},
        ],
    },
    "gemini.generate_content": {
        "contents": [
            {"role": "user", "parts": [{"text": "Where?"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"city": "Faro"}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"sky": "clear"}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": _SCHEMA}]}],
    },
    "ollama.chat": {
        "model": "llama3.2",
        "messages": [
            {"role": "user", "content": "Where?"},
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"city": "Faro"}}}]},
        ],
    },
}


@pytest.mark.parametrize("dialect", sorted(_REQUESTS))
def test_a_request_is_rebuilt_as_it_was_sent(dialect: str) -> None:
    document = _REQUESTS[dialect]
    decoded = decode_document(_DIALECTS[dialect], document, Target(host="h", path="/"), body_bytes=0)
    request = _SEALER.request(decoded)
    assert request.segments
    assert request.body != document
    assert rebuilt(request.body, request.segments, dialect=dialect) == document


def test_what_masking_broke_stays_a_text() -> None:
    segment = Segment(part=Part.TOOL_CALL, path="/input", text='{"card": <CARD_1>}', hash="h")
    assert rebuilt({"input": {"$text": "h"}}, [segment], dialect="anthropic.messages") == {"input": segment.text}


def test_what_is_not_kept_stays_marked() -> None:
    body: Json = {"image": {"$omitted": 9000}, "lost": {"$text": "gone"}}
    assert rebuilt(body, [], dialect="openai.chat") == body


def test_a_streamed_answer_is_put_together_at_the_places_of_its_texts() -> None:
    response = Response(
        id="msg_1",
        model="claude-sonnet-5",
        segments=(
            Segment(part=Part.ASSISTANT, path="/content/1/text", text="Let me see."),
            Segment(part=Part.TOOL_CALL, path="/content/2/input", text='{"city":"Faro"}'),
        ),
    )
    assert assembled(response, dialect="anthropic.messages") == {
        "id": "msg_1",
        "model": "claude-sonnet-5",
        "content": [None, {"text": "Let me see."}, {"input": {"city": "Faro"}}],
    }


@given(st.lists(st.text(alphabet="/01ab~-", max_size=12), max_size=6))
def test_any_places_are_put_together(paths: list[str]) -> None:
    segments = tuple(Segment(part=Part.ASSISTANT, path=path, text="t") for path in paths)
    assert isinstance(assembled(Response(segments=segments), dialect="openai.chat"), dict)


def test_a_far_place_makes_no_long_list() -> None:
    segments = (Segment(part=Part.ASSISTANT, path="/a/999999999", text="t"),)
    assert assembled(Response(segments=segments), dialect="openai.chat") == {"a": []}


def test_skeletons_nest_as_deep_as_they_like() -> None:
    body: Json = "x"
    for _ in range(5000):
        body = [body]
    assert rebuilt(skeleton(body, []), [], dialect="openai.chat") is not None
    assert rebuilt(body, [], dialect="openai.chat") is not None
