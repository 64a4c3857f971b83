"""The Responses API over WebSocket: which message is which call's, and what a call reads."""

import json
from collections.abc import Iterable
from typing import Any

import openai.types.responses
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from midwatch_core.model.content import FinishReason, ProviderError
from midwatch_core.wire.dialects.openai import responses_socket as openai_responses_socket
from midwatch_core.wire.dialects.openai import responses_steering as openai_responses_steering
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from midwatch_core.wire.refusal import Refusal
from midwatch_core.wire.socket import NOTHING_HEARD, NOTHING_SAID, SocketDialect
from midwatch_core.wire.target import Target
from tests.core.wire.socket_checks import Talk
from tests.core.wire.wire_checks import anything, by_path

DIALECT = OpenAIResponses()
TARGET = Target(host="api.openai.com", path="/v1/responses", method="GET")
REFUSAL = Refusal(status=429, code="over_limit", message="Too many.", request_id="req-7", retry_after_s=3)


@pytest.fixture
def talk() -> Talk:
    return Talk(DIALECT, TARGET)


def answer(talk: Talk, response_id: str, text: str, **lane: Any) -> list[int | None]:
    """A whole answer; the calls its messages were taken for."""
    response = {"id": response_id, "model": "gpt-5", "status": "completed", "output": []}
    usage = {"input_tokens": 9, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4}}
    heard = [
        talk.hear("response.created", response={**response, "status": "in_progress"}, **lane),
        talk.hear("response.output_text.delta", output_index=0, content_index=0, delta=text, **lane),
        talk.hear("response.completed", response={**response, "usage": usage}, **lane),
    ]
    return [each.call for each in heard]


def test_the_dialect_speaks_over_sockets() -> None:
    assert isinstance(DIALECT, SocketDialect)


def test_a_request_stands_at_the_top_of_its_message(talk: Talk) -> None:
    said = talk.say(
        "response.create",
        model="gpt-5",
        instructions="Be brief.",
        previous_response_id="resp_0",
        input=[{"type": "function_call_output", "call_id": "c1", "output": "rain"}],
        generate=False,
    )
    assert said.own is said.begins
    assert said.own is not None
    request = said.own.request
    assert by_path(request) == {"/instructions": ("system", "Be brief."), "/input/0/output": ("tool_result", "rain")}
    assert (request.model, request.stream, request.previous_response_id) == ("gpt-5", True, "resp_0")
    assert request.parameters == {"generate": False}
    assert said.own.document["input"][0]["output"] == "rain"  # type: ignore[index, call-overload]


def test_many_calls_on_one_socket_are_each_their_own(talk: Talk) -> None:
    for number in range(3):
        talk.say("response.create", model="gpt-5", input=f"Question {number}")
        assert answer(talk, f"resp_{number}", f"Answer {number}") == [number] * 3
    assert [by_path(talk.answers[number])["/output/0/content/0/text"][1] for number in range(3)] == [
        "Answer 0",
        "Answer 1",
        "Answer 2",
    ]
    assert [talk.answers[number].id for number in range(3)] == ["resp_0", "resp_1", "resp_2"]
    usage = talk.answers[2].usage
    assert usage is not None
    assert (usage.input_tokens, usage.cache_read_tokens, usage.output_tokens) == (9, 4, 2)
    assert talk.answers[2].finish_reason is FinishReason.STOP


def test_calls_sent_at_once_are_answered_in_their_order(talk: Talk) -> None:
    talk.say("response.create", model="gpt-5", input="One")
    talk.say("response.create", model="gpt-5", input="Two")
    assert answer(talk, "resp_1", "1") == [0, 0, 0]
    assert answer(talk, "resp_2", "2") == [1, 1, 1]


def test_lanes_are_answered_side_by_side(talk: Talk) -> None:
    for lane in ("a", "b", "a"):
        talk.say("response.create", model="gpt-5", input="Hi", stream_id=lane)
    assert answer(talk, "resp_b", "b", stream_id="b") == [1, 1, 1]
    assert answer(talk, "resp_a", "a", stream_id="a") == [0, 0, 0]
    assert answer(talk, "resp_c", "c", stream_id="a") == [2, 2, 2]
    assert talk.hear("response.output_text.delta", stream_id="b") == NOTHING_HEARD


def test_an_error_before_the_answer_is_the_whole_answer(talk: Talk) -> None:
    talk.say("response.create", model="gpt-5", input="Hi", previous_response_id="gone")
    talk.say("response.create", model="gpt-5", input="Hi")
    error = {"type": "invalid_request_error", "code": "previous_response_not_found", "message": "Not found."}
    assert talk.hear("error", status=400, error=error).call == 0
    assert talk.answers[0].error == ProviderError(type="invalid_request_error", message="Not found.")
    assert talk.answers[0].finish_reason is FinishReason.ERROR
    assert answer(talk, "resp_1", "Hello") == [1, 1, 1]


def test_an_error_without_a_type_is_one_too(talk: Talk) -> None:
    talk.say("response.create", model="gpt-5", input="Hi")
    assert talk.take(b'{"error":{"message":"no"}}').call == 0
    assert talk.answers[0].error == ProviderError(type=None, message="no")


def test_an_error_in_the_middle_waits_for_the_end(talk: Talk) -> None:
    talk.say("response.create", model="gpt-5", input="Hi")
    talk.hear("response.created", response={"id": "resp_1"})
    assert talk.hear("error", code="server_error", message="Oh.", sequence_number=2).call == 0
    assert not talk.answers
    assert talk.hear("response.failed", response={"id": "resp_1", "status": "failed"}).call == 0
    assert talk.answers[0].error == ProviderError(type="server_error", message="Oh.")


def test_an_answer_that_has_no_end_makes_room_for_the_next(talk: Talk) -> None:
    talk.say("response.create", model="gpt-5", input="One")
    talk.say("response.create", model="gpt-5", input="Two")
    talk.hear("response.created", response={"id": "resp_1"})
    talk.hear("error", code="server_error", message="Oh.", sequence_number=2)
    assert answer(talk, "resp_2", "2") == [1, 1, 1]
    assert talk.broken()[0].error == ProviderError(type="server_error", message="Oh.")


def test_what_steers_a_response_is_read_by_its_successor(talk: Talk) -> None:
    talk.say("response.create", model="gpt-5", input="Write a poem.")
    talk.hear("response.created", response={"id": "resp_1", "model": "gpt-5"})
    steer = [{"role": "user", "content": "Make it short."}]
    said = talk.say("response.steer", previous_response_id="resp_1", input=steer)
    assert said.begins is None
    assert said.own is not None
    assert by_path(said.own.request) == {"/input/0/content": ("user", "Make it short.")}
    assert talk.hear("response.steer.accepted", steer={"id": "s", "previous_response_id": "resp_1"}) == NOTHING_HEARD
    steered = {"status": "incomplete", "incomplete_details": {"reason": "steered"}}
    assert talk.hear("response.incomplete", response={"id": "resp_1", **steered}).call == 0
    successor = {"id": "resp_2", "model": "gpt-5", "previous_response_id": "resp_1"}
    assert talk.hear("response.created", response=successor).call == 1
    assert by_path(talk.requests[1]) == {"/input/0/content": ("user", "Make it short.")}
    assert (talk.requests[1].model, talk.requests[1].previous_response_id) == ("gpt-5", "resp_1")


def test_what_steers_is_read_by_the_call_that_brings_tool_results(talk: Talk) -> None:
    talk.say("response.create", model="gpt-5", input="Weather?")
    answer(talk, "resp_1", "…")
    talk.say("response.steer", previous_response_id="resp_1", input="In Celsius.")
    output = {"type": "function_call_output", "call_id": "c1", "output": "rain"}
    said = talk.say("response.create", model="gpt-5", previous_response_id="resp_1", input=[output])
    assert said.own is not None
    assert said.begins is not None
    assert by_path(said.own.request) == {"/input/0/output": ("tool_result", "rain")}
    assert by_path(said.begins.request) == {
        "/input/0": ("user", "In Celsius."),
        "/input/1/output": ("tool_result", "rain"),
    }


def test_a_refused_call_gets_no_answer_and_keeps_its_number(talk: Talk) -> None:
    talk.say("response.create", model="gpt-5", input="Forbidden")
    talk.reader.refused()
    talk.say("response.create", model="gpt-5", input="Allowed")
    assert answer(talk, "resp_1", "Hello") == [1, 1, 1]


def test_a_refused_call_leaves_the_steering_to_the_next(talk: Talk) -> None:
    talk.say("response.steer", previous_response_id="resp_1", input="In Celsius.")
    talk.say("response.create", model="gpt-5", previous_response_id="resp_1", input="One")
    talk.reader.refused()
    again = talk.say("response.create", model="gpt-5", previous_response_id="resp_1", input="Two")
    assert again.begins is not None
    assert [item.text for item in again.begins.request.segments] == ["In Celsius.", "Two"]


def test_what_says_nothing_to_the_model_is_no_call(talk: Talk) -> None:
    assert talk.say("response.processed", response_id="resp_1") == NOTHING_SAID
    assert talk.reader.sent(b"\xff\x00") == talk.reader.sent(b"[1]") == NOTHING_SAID
    assert talk.hear("codex.rate_limits", rate_limits={}) == NOTHING_HEARD
    assert talk.hear("response.output_text.delta", delta="nobody asked") == NOTHING_HEARD
    assert talk.reader.cancel(0) is None


def test_openai_s_library_reads_our_refusal() -> None:
    (message,) = DIALECT.refuse_on_socket(REFUSAL)
    event: Any = TypeAdapter(openai.types.responses.ResponsesServerEvent).validate_json(message)
    assert (event.type, event.status, event.error.code, event.error.message) == (
        "error",
        429,
        "over_limit",
        "Too many.",
    )
    assert event.error.type == "rate_limit_error"
    # Codex reads these beside it.
    assert json.loads(message)["headers"] == {"retry-after": "3"}


TYPES = (
    "response.create",
    "response.append",
    "response.steer",
    "response.created",
    "response.output_text.delta",
    "response.completed",
    "response.failed",
    "error",
)
MEMBERS = ("input", "model", "stream_id", "response", "previous_response_id", "error", "output_index", "delta")
messages = st.builds(
    lambda kind, members: json.dumps({"type": kind, **members}).encode(),
    st.sampled_from(TYPES) | anything,
    st.dictionaries(st.sampled_from(MEMBERS), anything, max_size=4),
) | st.binary(max_size=20)


@given(st.lists(st.tuples(st.sampled_from(["sent", "received", "refused"]), messages), max_size=20))
def test_no_order_of_any_messages_raises(steps: Iterable[tuple[str, bytes]]) -> None:
    reader = DIALECT.socket_reader(TARGET)
    begun = 0
    for step, message in steps:
        if step == "refused":
            reader.refused()
            continue
        found = reader.sent(message) if step == "sent" else reader.received(message)
        begun += found.begins is not None
        call = getattr(found, "call", None)
        assert call is None or 0 <= call < begun


def test_calls_without_end_are_given_up_beyond_a_bound(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_responses_socket, "_MAX_OPEN", 2)
    for number in range(4):
        talk.say("response.create", model="gpt-5", input=str(number))
    assert answer(talk, "resp_2", "2") == [2, 2, 2]


def test_steering_that_nobody_reads_is_forgotten_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_responses_steering, "_MAX_KEPT_BYTES", 250)
    steering = openai_responses_steering.Steering()
    for text in ("one", "two", "three"):
        steering.add({"previous_response_id": "r", "input": text}, 100)
    assert steering.take("r") == ["two", "three"]
    assert steering.take("r") == []
