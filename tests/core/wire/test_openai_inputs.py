"""Legacy Completions and Embeddings: strings are texts, token ids and vectors are none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, ProviderError
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialects.openai.completions import OpenAICompletions
from midwatch_core.wire.dialects.openai.embeddings import OpenAIEmbeddings
from midwatch_core.wire.target import Target
from tests.core.wire.wire_checks import by_path, cuts, mutated, read_request, read_response, read_stream, split_at, sse

COMPLETIONS = OpenAICompletions()
EMBEDDINGS = OpenAIEmbeddings()


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ("text", {"": "text"}),
        (["a", "b"], {"/0": "a", "/1": "b"}),
        ([1, 2, 3], {}),
        ([[1, 2], [3], []], {}),
        ([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:,"}}], {"/0/text": "a"}),
        ("", {}),
        (None, {}),
        ([], {}),
    ],
)
def test_prompts_and_inputs(inputs: Any, found: dict[str, str]) -> None:
    prompt = read_request(COMPLETIONS, {"model": "m", "prompt": inputs})
    assert by_path(prompt) == {f"/prompt{path}": ("user", text) for path, text in found.items()}
    embed = read_request(EMBEDDINGS, {"model": "m", "input": inputs})
    assert by_path(embed) == {f"/input{path}": ("embedding_input", text) for path, text in found.items()}
    assert (prompt.decode_error, embed.decode_error) == (None, None)


def test_a_completion_s_request() -> None:
    body = {"model": "m", "prompt": "def f(", "suffix": "return x", "stream": True, "max_tokens": 5, "echo": True}
    request = read_request(COMPLETIONS, body)
    assert by_path(request) == {"/prompt": ("user", "def f("), "/suffix": ("user", "return x")}
    assert (request.model, request.stream) == ("m", True)
    assert request.parameters == {"max_tokens": 5, "echo": True}


def test_an_embedding_s_request() -> None:
    target = Target(host="h", path="/", captures={"model": "ada"})
    request = read_request(EMBEDDINGS, {"input": "x", "dimensions": 256}, target)
    assert (request.model, request.parameters) == ("ada", {"dimensions": 256})
    chat = read_request(EMBEDDINGS, {"messages": [{"role": "user", "content": "x"}]})
    assert by_path(chat) == {"/messages/0/content": ("user", "x")}


COMPLETION = {
    "id": "cmpl-1",
    "object": "text_completion",
    "model": "davinci-002",
    "choices": [
        {"text": "A", "index": 0, "logprobs": None, "finish_reason": "length"},
        {"text": "B", "index": 1, "logprobs": None, "finish_reason": "stop"},
    ],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}


def test_a_completion() -> None:
    response = read_response(COMPLETIONS, COMPLETION)
    assert by_path(response) == {"/choices/0/text": ("assistant", "A"), "/choices/1/text": ("assistant", "B")}
    assert (response.id, response.model, response.finish_reason) == ("cmpl-1", "davinci-002", FinishReason.LENGTH)
    assert response.usage == Usage(input_tokens=5, output_tokens=2)


def test_fill_in_the_middle_answered_as_a_chat() -> None:
    body = {"model": "codestral", "choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]}
    assert by_path(read_response(COMPLETIONS, body)) == {"/choices/0/message/content": ("assistant", "x")}
    delta = {"choices": [{"index": 0, "delta": {"content": "x"}}]}
    streamed, _ = read_stream(COMPLETIONS, [sse(delta)])
    assert by_path(streamed) == {"/choices/0/message/content": ("assistant", "x")}


COMPLETION_STREAM = [
    {"id": "cmpl-1", "model": "m", "choices": [{"text": "Hel", "index": 0, "finish_reason": None}]},
    {"id": "cmpl-1", "model": "m", "choices": [{"text": "lo", "index": 0, "finish_reason": None}]},
    {"id": "cmpl-1", "model": "m", "choices": [{"text": "", "index": 0, "finish_reason": "stop"}]},
    {"id": "cmpl-1", "model": "m", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
]


@given(where=cuts)
def test_a_completion_s_stream_in_any_split(where: list[int]) -> None:
    response, _ = read_stream(COMPLETIONS, split_at(sse(*COMPLETION_STREAM) + b"data: [DONE]\n\n", where))
    assert by_path(response) == {"/choices/0/text": ("assistant", "Hello")}
    assert response.usage == Usage(input_tokens=5, output_tokens=2)
    assert (response.finish_reason, response.complete) == (FinishReason.STOP, True)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 8, "total_tokens": 8}, Usage(input_tokens=8)),
        ({"total_tokens": 8}, Usage(input_tokens=8)),
        ({}, None),
        (None, None),
    ],
)
def test_an_embedding(usage: Any, expected: Usage | None) -> None:
    body = {"object": "list", "model": "e", "data": [{"index": 0, "embedding": [0.1, 0.2]}], "usage": usage}
    response = read_response(EMBEDDINGS, body)
    assert (response.model, response.segments, response.usage) == ("e", (), expected)
    assert response.decode_error is None


def test_an_embedding_s_error() -> None:
    response = read_response(EMBEDDINGS, {"error": {"message": "no such model", "code": "model_not_found"}}, 404)
    assert response.error == ProviderError(type="model_not_found", message="no such model")


REQUESTS = ({"prompt": ["a", [1]], "suffix": "s", "model": "m"}, {"input": ["a", {"text": "b"}], "model": "m"})


@given(body=mutated(*REQUESTS, COMPLETION), data=st.binary(max_size=40))
def test_nothing_makes_them_raise(body: Any, data: bytes) -> None:
    for dialect in (COMPLETIONS, EMBEDDINGS):
        for bad in (body, data):
            read_request(dialect, bad)
            read_response(dialect, bad)
        read_stream(dialect, [sse(body) + data])
