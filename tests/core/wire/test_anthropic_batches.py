"""Anthropic's batches and counts: every message's texts in their places, and nothing that is billed twice."""

from typing import Any

import pytest
from hypothesis import given

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.anthropic.batches import AnthropicBatches
from midwatch_core.wire.dialects.anthropic.count_tokens import AnthropicCountTokens
from tests.core.wire.wire_checks import anything, by_path, ndjson, read_request, read_response, read_stream

BATCHES, COUNT = AnthropicBatches(), AnthropicCountTokens()
PARAMS: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 64,
    "system": "Be brief.",
    "tools": [{"name": "look"}],
    "messages": [{"role": "user", "content": "Ahoy"}],
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "model": "claude-haiku-4-5-20251001",
    "content": [{"type": "text", "text": "Aye"}, {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}}],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 9, "output_tokens": 3},
}
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def test_every_message_of_a_batch_is_read_in_its_place() -> None:
    asked = [{"custom_id": "r1", "params": PARAMS}, {"custom_id": "r2", "params": {**PARAMS, "system": None}}]
    request = read_request(BATCHES, {"requests": asked})
    assert (request.operation, request.model, request.tools) == (Operation.BATCH, "claude-haiku-4-5", ("look",))
    assert request.parameters == {"requests": 2}
    found = by_path(request)
    assert found["/requests/0/params/system"] == ("system", "Be brief.")
    assert found["/requests/0/params/messages/0/content"] == ("user", "Ahoy")
    assert found["/requests/1/params/messages/0/content"] == ("user", "Ahoy")
    mixed = [*asked, {"custom_id": "r3", "params": {**PARAMS, "model": "claude-opus-4-5"}}]
    assert read_request(BATCHES, {"requests": mixed}).model is None


def test_results_have_texts_and_calls_and_no_usage() -> None:
    came = [
        {"custom_id": "r1", "result": {"type": "succeeded", "message": MESSAGE}},
        {"custom_id": "r2", "result": {"type": "errored", "error": OVERLOADED}},
    ]
    found = read_response(BATCHES, ndjson(*came))
    assert by_path(found) == {
        "/0/result/message/content/0/text": ("assistant", "Aye"),
        "/0/result/message/content/1/input": ("tool_call", '{"a":1}'),
    }
    assert [call.name for call in found.tool_calls] == ["look"]
    assert (found.model, found.usage, found.error) == ("claude-haiku-4-5-20251001", None, None)
    assert found.decode_error is None
    assert list(by_path(read_response(BATCHES, ndjson(came[0])))) == list(by_path(found))


def test_results_that_break_off_are_read_so_far() -> None:
    line = {"custom_id": "r1", "result": {"type": "succeeded", "message": MESSAGE}}
    found = read_response(BATCHES, ndjson(line, line)[:-40])
    assert "/0/result/message/content/0/text" in by_path(found)
    assert found.decode_error is not None


def test_a_batch_is_told_by_its_id_and_status() -> None:
    found = read_response(BATCHES, {"id": "msgbatch_1", "type": "message_batch", "processing_status": "ended"})
    assert (found.id, found.raw_finish_reason, found.decode_error) == ("msgbatch_1", "ended", None)
    failed = read_response(BATCHES, OVERLOADED, 529)
    assert (failed.finish_reason, failed.error is not None) == (FinishReason.ERROR, True)


def test_what_is_counted_is_read_and_its_count_is_no_usage() -> None:
    request = read_request(COUNT, PARAMS)
    assert (request.operation, request.model) == (Operation.COUNT_TOKENS, "claude-haiku-4-5")
    assert by_path(request)["/messages/0/content"] == ("user", "Ahoy")
    found = read_response(COUNT, {"input_tokens": 14})
    assert (found.usage, found.finish_reason, found.decode_error) == (None, None, None)
    assert read_response(COUNT, OVERLOADED, 529).error is not None


@pytest.mark.parametrize("dialect", [BATCHES, COUNT], ids=["batches", "count"])
def test_refusals_are_anthropic_s_errors(dialect: AnthropicBatches | AnthropicCountTokens) -> None:
    refusal = Refusal(status=403, code="blocked_by_policy", message="No.", request_id="r1")
    assert read_response(dialect, dialect.refuse(refusal).body, 403).error is not None
    found, _ = read_stream(dialect, [dialect.refuse_in_stream(refusal)])
    assert found.error is not None


@given(anything)
def test_nothing_that_is_fed_to_them_raises(value: Any) -> None:
    for dialect in (BATCHES, COUNT):
        for body in (value, {"requests": value}, {"requests": [{"params": value}]}, {"messages": value}):
            assert isinstance(read_request(dialect, body), Request)
        lines = ndjson({"custom_id": value, "result": value}, {"result": {"message": value}}, value)
        assert isinstance(read_response(dialect, value), Response)
        assert isinstance(read_response(dialect, lines), Response)
