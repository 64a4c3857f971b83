"""Vertex AI: embeddings by `predict`, models of other makers, and what was recorded there."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, Operation
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages
from midwatch_core.wire.dialects.gemini.generate_content import GeminiGenerateContent
from midwatch_core.wire.dialects.vertex.embeddings import VertexEmbeddings
from midwatch_core.wire.target import Target
from tests.core.wire.recordings import Recording, recorded
from tests.core.wire.wire_checks import by_path, mutated, read_request, read_response, read_stream

EMBEDDINGS, CLAUDE, GEMINI = VertexEmbeddings(), AnthropicMessages(), GeminiGenerateContent()
PUBLISHERS = "/v1/projects/p/locations/l/publishers"

REQUEST: dict[str, Any] = {
    "instances": [{"content": "one", "task_type": "RETRIEVAL_QUERY"}, {"content": "two", "title": "A title"}],
    "parameters": {"outputDimensionality": 8},
}
ANSWER: dict[str, Any] = {
    "predictions": [
        {"embeddings": {"statistics": {"truncated": False, "token_count": 4.0}, "values": [0.1]}},
        {"embeddings": {"statistics": {"truncated": False, "token_count": 5}, "values": [0.1]}},
    ],
    "metadata": {"billableCharacterCount": 6},
}


def target(model: str, method: str, publisher: str = "google") -> Target:
    path = f"{PUBLISHERS}/{publisher}/models/{model}:{method}"
    return Target(host="aiplatform.googleapis.com", path=path, captures={"model": model})


def test_what_is_embedded() -> None:
    request = read_request(EMBEDDINGS, REQUEST, target("text-embedding-005", "predict"))
    assert (request.operation, request.model) == (Operation.EMBEDDINGS, "text-embedding-005")
    assert by_path(request) == {
        "/instances/0/content": ("embedding_input", "one"),
        "/instances/1/content": ("embedding_input", "two"),
        "/instances/1/title": ("embedding_input", "A title"),
    }
    assert request.parameters == {"outputDimensionality": 8}
    assert request.decode_error is None


def test_tokens_of_all_vectors_are_added_up() -> None:
    response = read_response(EMBEDDINGS, ANSWER)
    assert (response.usage, response.segments, response.decode_error) == (Usage(input_tokens=9), (), None)
    assert read_response(EMBEDDINGS, {"predictions": [{"textEmbedding": [0.1]}]}).usage is None


def test_errors() -> None:
    body = {"error": {"code": 404, "message": "Publisher Model was not found.", "status": "NOT_FOUND"}}
    response = read_response(EMBEDDINGS, body, 404)
    assert response.error is not None
    assert (response.error.type, response.finish_reason) == ("NOT_FOUND", FinishReason.ERROR)


@pytest.mark.parametrize(("method", "streams"), [("rawPredict", False), ("streamRawPredict", True)])
def test_claude_is_named_by_the_path_alone(method: str, streams: bool) -> None:
    body = {
        "anthropic_version": "vertex-2023-10-16",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    request = read_request(CLAUDE, body, target("claude-sonnet-4-5@20250929", method, "anthropic"))
    assert (request.model, request.stream) == ("claude-sonnet-4-5@20250929", streams)
    assert by_path(request) == {"/messages/0/content": ("user", "Hello")}
    assert request.parameters["anthropic_version"] == "vertex-2023-10-16"


@pytest.mark.parametrize("recording", recorded("vertex", "vertex-sse"))
def test_recordings_are_read_in_full(recording: Recording) -> None:
    path = urlsplit(recording.uri).path
    model = path.rpartition("/models/")[2].partition(":")[0]
    request = read_request(GEMINI, recording.request.plain, Target(host="h", path=path, captures={"model": model}))
    assert (request.model, request.decode_error) == (model, None)
    assert request.stream is recording.kind.endswith("sse")
    if request.stream:
        response, _ = read_stream(GEMINI, [recording.response.plain])
        chunks = recording.response.sse
    else:
        response = read_response(GEMINI, recording.response.plain, recording.status)
        chunks = [recording.response.json]
    assert (response.decode_error, response.complete) == (None, True)
    if recording.status >= 400:
        assert response.error is not None
        return
    parts = [part for chunk in chunks for item in chunk["candidates"] for part in item["content"]["parts"]]
    said = "".join(part.get("text", "") for part in parts)
    assert "".join(item.text for item in response.segments if item.part == "assistant") == said
    assert [call.name for call in response.tool_calls] == [
        p["functionCall"]["name"] for p in parts if "functionCall" in p
    ]
    counted = chunks[-1]["usageMetadata"]
    assert response.usage is not None
    assert response.usage.input_tokens == counted["promptTokenCount"]
    assert response.usage.output_tokens == counted["candidatesTokenCount"] + counted.get("thoughtsTokenCount", 0)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    read_request(EMBEDDINGS, data)
    read_response(EMBEDDINGS, data)
    read_stream(EMBEDDINGS, [data])


@given(mutated(REQUEST, ANSWER))
def test_any_document_is_survived(body: Any) -> None:
    read_request(EMBEDDINGS, body)
    read_response(EMBEDDINGS, body)
