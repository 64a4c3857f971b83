"""Gemini's embeddings: one content or a batch of requests, usage where it is told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, Operation
from midwatch_core.wire.dialects.gemini.embeddings import GeminiEmbeddings
from midwatch_core.wire.target import Target
from tests.core.wire.wire_checks import by_path, mutated, read_request, read_response, read_stream

DIALECT = GeminiEmbeddings()
TARGET = Target(host="h", path="/v1beta/models/gemini-embedding-001:batchEmbedContents")

ONE: dict[str, Any] = {
    "content": {"parts": [{"text": "first"}, {"text": "second"}]},
    "title": "A title",
    "taskType": "RETRIEVAL_DOCUMENT",
}
BATCH: dict[str, Any] = {
    "requests": [
        {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "one"}]}},
        {"model": "models/gemini-embedding-001", "content": {"role": "user", "parts": {"text": "two"}}},
    ]
}


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        (ONE, {"/content/parts/0/text": "first", "/content/parts/1/text": "second", "/title": "A title"}),
        (BATCH, {"/requests/0/content/parts/0/text": "one", "/requests/1/content/parts/text": "two"}),
        ({}, {}),
    ],
)
def test_inputs(body: Any, inputs: dict[str, str]) -> None:
    request = read_request(DIALECT, body, TARGET)
    assert request.operation is Operation.EMBEDDINGS
    assert request.model == "gemini-embedding-001"
    assert by_path(request) == {path: ("embedding_input", text) for path, text in inputs.items()}
    assert request.decode_error is None


def test_parameters() -> None:
    assert read_request(DIALECT, ONE, TARGET).parameters == {"taskType": "RETRIEVAL_DOCUMENT"}


def test_answers() -> None:
    told = read_response(DIALECT, {"embedding": {"values": [0.1]}, "usageMetadata": {"promptTokenCount": 4}})
    assert told.usage is not None
    assert (told.usage.input_tokens, told.usage.output_tokens) == (4, None)
    silent = read_response(DIALECT, {"embeddings": [{"values": [0.1]}]})
    assert (silent.usage, silent.error, silent.segments, silent.decode_error) == (None, None, (), None)


def test_errors() -> None:
    response = read_response(DIALECT, {"error": {"code": 400, "message": "Bad.", "status": "INVALID_ARGUMENT"}}, 400)
    assert response.error is not None
    assert response.error.type == "INVALID_ARGUMENT"
    assert response.finish_reason is FinishReason.ERROR


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    read_request(DIALECT, data, TARGET)
    read_response(DIALECT, data)
    read_stream(DIALECT, [data])


@given(mutated(ONE, BATCH))
def test_any_request_is_survived(body: Any) -> None:
    read_request(DIALECT, body, TARGET)
    read_response(DIALECT, body)
