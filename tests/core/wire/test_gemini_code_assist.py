"""Gemini Code Assist, and counting tokens wherever Gemini is: Gemini's own words inside other members."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, Operation
from midwatch_core.wire.dialect import Dialect, Refusal
from midwatch_core.wire.dialects.gemini.code_assist import GeminiCodeAssist
from midwatch_core.wire.dialects.gemini.count_tokens import GeminiCountTokens
from midwatch_core.wire.dialects.gemini.generate_content import GeminiGenerateContent
from midwatch_core.wire.target import Target
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

DIALECT, COUNT, PLAIN = GeminiCodeAssist(), GeminiCountTokens(), GeminiGenerateContent()
STREAMED = Target(host="cloudcode-pa.googleapis.com", path="/v1internal:streamGenerateContent")
WHOLE = Target(host="cloudcode-pa.googleapis.com", path="/v1internal:generateContent")

# As Gemini CLI's toGenerateContentRequest makes it.
ASKED: dict[str, Any] = {
    "contents": [
        {"role": "user", "parts": [{"text": "Hello"}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "f0", "name": "now", "response": {"output": "noon"}}}]},
    ],
    "systemInstruction": {"role": "user", "parts": [{"text": "Be brief."}]},
    "tools": [{"functionDeclarations": [{"name": "now"}]}],
    "generationConfig": {"maxOutputTokens": 5},
    "session_id": "session-1",
}
REQUEST = {"model": "gemini-2.5-pro", "project": "p-1", "user_prompt_id": "s########0", "request": ASKED}
USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 2, "totalTokenCount": 14}
PARTS: list[dict[str, Any]] = [
    {"text": "Hm.", "thought": True},
    {"text": "Grüße an alle."},
    {"functionCall": {"id": "f1", "name": "now", "args": {"zone": "utc"}}},
]
ANSWER: dict[str, Any] = {
    "candidates": [{"content": {"role": "model", "parts": PARTS}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": USAGE,
    "modelVersion": "gemini-2.5-pro",
}


def chunk(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}
    return {"response": {**ANSWER, "candidates": [candidate]}, "traceId": "t1"}


EVENTS = [
    chunk(PARTS[0]),
    chunk({"text": "Grüße "}),
    chunk({"text": "an alle."}),
    chunk(PARTS[2], finishReason="STOP"),
    {"remainingCredits": [{"creditType": "GOOGLE_ONE_AI", "creditAmount": "7"}]},
]
STREAM = sse(*EVENTS).replace(b"\n", b"\r\n")


def test_a_request_is_geminis_below_its_member() -> None:
    request = read_request(DIALECT, REQUEST, STREAMED)
    assert request.decode_error is None
    assert (request.operation, request.model, request.stream) == (Operation.GENERATE_CONTENT, "gemini-2.5-pro", True)
    assert (request.conversation_id, request.tools) == ("session-1", ("now",))
    assert request.parameters == {"generationConfig": {"maxOutputTokens": 5}}
    plain = read_request(PLAIN, ASKED, WHOLE)
    assert by_path(request) == {f"/request{path}": said for path, said in by_path(plain).items()}
    (result,) = request.tool_results
    assert (result.call_id, result.path) == ("f0", "/request/contents/1/parts/0/functionResponse/response")
    assert not read_request(DIALECT, REQUEST, WHOLE).stream


def test_an_answer_is_geminis_below_its_member() -> None:
    response, plain = read_response(DIALECT, {"response": ANSWER, "traceId": "t1"}), read_response(PLAIN, ANSWER)
    assert by_path(response) == {f"/response{path}": said for path, said in by_path(plain).items()}
    assert (response.model, response.usage, response.finish_reason) == (plain.model, plain.usage, plain.finish_reason)
    assert (response.id, response.decode_error) == ("t1", None)


def test_a_stream_is_the_answer_it_streams() -> None:
    streamed, _ = read_stream(DIALECT, [STREAM])
    whole = read_response(DIALECT, {"response": ANSWER, "traceId": "t1"})
    for name in ("id", "model", "segments", "tool_calls", "finish_reason", "usage", "complete", "decode_error"):
        assert getattr(streamed, name) == getattr(whole, name), name


@given(cuts)
def test_any_split_gives_the_same(where: list[int]) -> None:
    expected, all_events = read_stream(DIALECT, [STREAM])
    response, events = read_stream(DIALECT, split_at(STREAM, where))
    assert response == expected
    assert texts(events) == texts(all_events)


def test_a_blocked_prompt_has_its_message_below_the_member() -> None:
    feedback = {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "No."}}
    streamed, _ = read_stream(DIALECT, [sse({"response": feedback})])
    for response in (streamed, read_response(DIALECT, {"response": feedback})):
        assert by_path(response) == {"/response/promptFeedback/blockReasonMessage": ("assistant", "No.")}
        assert (response.finish_reason, response.decode_error) == (FinishReason.CONTENT_FILTER, None)


@pytest.mark.parametrize(
    ("body", "place", "model"),
    [
        ({"contents": ASKED["contents"][:1]}, "/contents", "gemini-2.5-pro"),
        (
            {"generateContentRequest": {"model": "models/x", "contents": ASKED["contents"][:1]}},
            "/generateContentRequest/contents",
            "gemini-2.5-pro",
        ),
    ],
)
def test_texts_to_be_counted_are_read(body: Any, place: str, model: str) -> None:
    target = Target(host="h", path="/v1beta/models/gemini-2.5-pro:countTokens", captures={"model": "gemini-2.5-pro"})
    request = read_request(COUNT, body, target)
    assert by_path(request) == {f"{place}/0/parts/0/text": ("user", "Hello")}
    assert (request.operation, request.model, request.decode_error) == (Operation.COUNT_TOKENS, model, None)


def test_code_assist_counts_below_its_member() -> None:
    target = Target(host="cloudcode-pa.googleapis.com", path="/v1internal:countTokens")
    body = {"request": {"model": "models/gemini-2.5-pro", "contents": ASKED["contents"][:1]}}
    request = read_request(COUNT, body, target)
    assert by_path(request) == {"/request/contents/0/parts/0/text": ("user", "Hello")}
    assert (request.model, request.decode_error) == ("gemini-2.5-pro", None)


def test_a_count_is_no_usage() -> None:
    response = read_response(COUNT, {"totalTokens": 31, "totalBillableCharacters": 96})
    assert (response.usage, response.error, response.segments, response.decode_error) == (None, None, (), None)


@pytest.mark.parametrize("dialect", [DIALECT, COUNT], ids=lambda dialect: dialect.id)
def test_errors_and_refusals(dialect: Dialect) -> None:
    refusal = Refusal(status=403, code="policy_blocked", message="No.", request_id="req-1")
    body = {"error": {"code": 429, "message": "No.", "status": "RESOURCE_EXHAUSTED"}}
    answer = dialect.refuse(refusal)
    for response in (
        read_response(dialect, body, 429),
        read_response(dialect, [body], 429),
        read_response(dialect, answer.body, answer.status),
        read_stream(dialect, [dialect.refuse_in_stream(refusal)])[0],
    ):
        assert response.error is not None
        assert (response.error.message, response.finish_reason) == ("No.", FinishReason.ERROR)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    for dialect in (DIALECT, COUNT):
        read_request(dialect, data, STREAMED)
        read_response(dialect, data)
        read_stream(dialect, [data])


@given(mutated(REQUEST, {"response": ANSWER, "traceId": "t1"}, {"generateContentRequest": ASKED}))
def test_any_document_is_survived(body: Any) -> None:
    for dialect in (DIALECT, COUNT):
        read_request(dialect, body, STREAMED)
        read_response(dialect, body)


@given(mutated(EVENTS))
def test_any_stream_is_survived(events: Any) -> None:
    read_stream(DIALECT, [sse(*(events if isinstance(events, list) else [events]))])
