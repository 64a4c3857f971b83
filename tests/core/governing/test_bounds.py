"""Bounds: a call's bytes as input, its own maximum of output in each dialect, and what is assumed where it has none."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.governing.bounds import Bound, bound_of
from midwatch_core.metering import MOST
from midwatch_core.model.content import Operation, Request
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.target import Target

DIALECTS = {dialect.id: dialect for dialect in BUILTIN}
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["max_tokens", "max_completion_tokens", "n", "options", "generationConfig", "best_of"])


def bound(dialect: str, **body: Any) -> Bound:
    """The bound of a body as it is read off the wire."""
    raw = orjson.dumps(body)
    request = decode_request(DIALECTS[dialect], raw, Target(host="h", path="/p", method="POST")).request
    return bound_of(request, dialect, body_bytes=len(raw), assumed_output_tokens=4096)


@pytest.mark.parametrize(
    ("dialect", "body", "output"),
    [
        ("openai.chat", {"max_tokens": 10}, 10),
        ("cohere.chat", {"max_tokens": 10}, 10),
        ("cohere.rerank", {"query": "q"}, 0),
        ("gemini.code_assist", {"request": {"generationConfig": {"maxOutputTokens": 7, "candidateCount": 2}}}, 14),
        ("gemini.count_tokens", {"contents": []}, 0),
        ("openai.chat", {"max_tokens": 1, "max_completion_tokens": 20}, 20),
        ("openai.chat", {"max_completion_tokens": 20, "n": 3}, 60),
        ("openai.chat", {"max_tokens": 10.0}, 10),
        ("openai.chat", {"max_tokens": "10"}, 10),
        ("openai.completions", {"max_tokens": 10, "best_of": 5, "n": 2}, 50),
        ("openai.responses", {"max_output_tokens": 7}, 7),
        ("anthropic.messages", {"max_tokens": 9}, 9),
        ("gemini.generate_content", {"generationConfig": {"maxOutputTokens": 8, "candidateCount": 2}}, 16),
        ("gemini.generate_content", {"generation_config": {"max_output_tokens": 8}}, 8),
        ("ollama.chat", {"options": {"num_predict": 6}}, 6),
        ("ollama.generate", {"options": {"num_predict": 6}}, 6),
    ],
)
def test_a_call_writes_no_more_than_it_says(dialect: str, body: dict[str, Any], output: int) -> None:
    assert bound(dialect, **body).output_tokens == output
    assert not bound(dialect, **body).open_ended


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai.chat", {}),
        ("openai.chat", {"max_tokens": None}),
        ("openai.chat", {"max_tokens": True}),
        ("openai.chat", {"max_tokens": -5}),
        ("openai.chat", {"max_tokens": 0}),
        ("openai.chat", {"max_tokens": "lots"}),
        ("openai.chat", {"max_tokens": 1.5}),
        ("openai.responses", {"max_tokens": 1}),
        ("anthropic.messages", {"max_output_tokens": 1}),
        ("ollama.chat", {"options": {"num_predict": -1}}),
    ],
)
def test_a_call_that_sets_no_maximum_is_open_ended(dialect: str, body: dict[str, Any]) -> None:
    made = bound(dialect, **body)
    assert (made.output_tokens, made.open_ended) == (4096, True)


def test_candidates_count_where_a_maximum_is_only_assumed() -> None:
    assert bound("openai.chat", n=3).output_tokens == 3 * 4096


def test_bytes_are_input_tokens_and_tools_bring_a_prompt_of_their_own() -> None:
    question = {"messages": [{"role": "user", "content": "ü" * 100}], "max_tokens": 5}
    assert bound("openai.chat", **question).input_tokens == len(orjson.dumps(question))
    tools = [{"type": "function", "function": {"name": "f"}}]
    with_tools = bound("openai.chat", **question, tools=tools)
    assert with_tools.input_tokens == len(orjson.dumps({**question, "tools": tools})) + 1024


def test_embeddings_write_nothing() -> None:
    made = bound("openai.embeddings", input="text", max_tokens=5)
    assert (made.output_tokens, made.open_ended) == (0, False)


def test_nothing_is_more_than_the_counters_can_count() -> None:
    request = Request(operation=Operation.CHAT, parameters={"max_tokens": 10**30, "n": 10**9})
    made = bound_of(request, "openai.chat", body_bytes=10**30, assumed_output_tokens=1)
    assert made.input_tokens == made.output_tokens == made.tokens == MOST


@given(st.sampled_from(sorted(DIALECTS)), st.dictionaries(NAMES, JSON))
def test_whatever_settings_say_a_bound_is_made(dialect: str, parameters: dict[str, Any]) -> None:
    request = Request(operation=Operation.CHAT, parameters=parameters)
    made = bound_of(request, dialect, body_bytes=10, assumed_output_tokens=100)
    assert made.input_tokens == 10
    assert 1 <= made.output_tokens <= MOST


@pytest.mark.parametrize(
    "operation",
    [
        Operation.BATCH,
        Operation.COUNT_TOKENS,
        Operation.EXECUTE_TOOL,
        Operation.FILES,
        Operation.LIST_TOOLS,
        Operation.MCP,
        Operation.STORED,
    ],
)
def test_what_no_model_answers_uses_nothing(operation: Operation) -> None:
    free = bound_of(Request(operation=operation), "mcp", body_bytes=100, assumed_output_tokens=4096)
    assert free == Bound(input_tokens=0, output_tokens=0)


@pytest.mark.parametrize("operation", [Operation.TRANSCRIPTION, Operation.IMAGE])
def test_bytes_of_sound_and_pictures_are_no_tokens(operation: Operation) -> None:
    small = bound_of(Request(operation=operation), "x", body_bytes=100, assumed_output_tokens=4096)
    large = bound_of(Request(operation=operation), "x", body_bytes=100 * 2**20, assumed_output_tokens=4096)
    assert small.input_tokens == 100
    assert large.input_tokens <= 131_072


def test_every_picture_is_written() -> None:
    assert bound("openai.images", prompt="A ship", n=3).output_tokens == 3 * bound("openai.images").output_tokens > 0
    assert not bound("openai.images", prompt="A ship", max_tokens=1).open_ended


def test_a_moderation_writes_nothing() -> None:
    assert bound("openai.moderations", input="text").output_tokens == 0
