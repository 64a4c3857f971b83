"""The Realtime protocol: what a client's message says, and one answer's events, of today's shape and of the beta's."""

import json
from typing import Any

import openai.types.beta.realtime as beta
import pytest
from hypothesis import given
from openai.types.realtime import RealtimeResponse, RealtimeResponseUsage, RealtimeServerEvent
from pydantic import TypeAdapter

from midwatch_core.model.content import FinishReason, ProviderError, ToolCall, ToolResult
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialects.openai.realtime import OpenAIRealtime
from midwatch_core.wire.editing.messages import MessageEditor
from midwatch_core.wire.node import Node, Trouble
from midwatch_core.wire.refusal import Refusal
from midwatch_core.wire.socket import MESSAGES, SocketDialect
from midwatch_core.wire.target import Target
from tests.core.wire.editing.filters import Makes, swapped
from tests.core.wire.editing.realtime_streams import WORDS, answering, messages, transcription
from tests.core.wire.wire_checks import by_path, mutated, read_request, read_response, read_stream

REALTIME = OpenAIRealtime()
TARGET = Target(host="api.openai.com", path="/v1/realtime", method="GET", query={"model": "gpt-realtime"})
TOOL = {"type": "function", "name": "now", "description": "The time.", "parameters": {}}
ITEMS: list[dict[str, Any]] = [
    {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "No jokes."}]},
    {
        "type": "message",
        "role": "user",
        "content": [
            {"type": "input_text", "text": "Hi"},
            {"type": "input_audio", "audio": "AAAA", "transcript": "there"},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        ],
    },
    {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Yes"}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "Well"}]},
    {"type": "function_call", "call_id": "c1", "name": "now", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c1", "output": "noon"},
    {"type": "mcp_list_tools", "server_label": "mail", "tools": [{"name": "send"}]},
    {"type": "item_reference", "id": "item_0"},
]


def stream(events: list[bytes]) -> Any:
    """One answer."""
    return read_stream(REALTIME, events, content_type=MESSAGES, status=101)


def test_the_dialect_speaks_over_sockets() -> None:
    assert isinstance(REALTIME, SocketDialect)


def test_settings_are_read_with_their_tools() -> None:
    session = {"type": "realtime", "instructions": "Be brief.", "tools": [TOOL], "output_modalities": ["text"]}
    request = read_request(REALTIME, {"type": "session.update", "session": session}, TARGET)
    assert by_path(request) == {
        "/session/tools/0": ("tool_definition", json.dumps(TOOL, separators=(",", ":"))),
        "/session/instructions": ("system", "Be brief."),
    }
    assert (request.model, request.tools, request.stream) == ("gpt-realtime", ("now",), True)
    assert request.parameters == {"output_modalities": ["text"]}
    assert request.decode_error is None


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (ITEMS[0], {"/item/content/0/text": ("system", "No jokes.")}),
        (ITEMS[1], {"/item/content/0/text": ("user", "Hi"), "/item/content/1/transcript": ("user", "there")}),
        (ITEMS[2], {"/item/content/0/text": ("assistant", "Yes")}),
        (ITEMS[3], {"/item/content/0/transcript": ("assistant", "Well")}),
        (ITEMS[4], {"/item/arguments": ("tool_call", "{}")}),
        (ITEMS[5], {"/item/output": ("tool_result", "noon")}),
        (ITEMS[6], {"/item/tools/0": ("tool_definition", '{"name":"send"}')}),
        (ITEMS[7], {}),
    ],
    ids=["system", "user", "assistant", "speech", "call", "result", "mcp", "reference"],
)
def test_every_text_of_an_item_is_a_segment(item: dict[str, Any], said: dict[str, tuple[str, str]]) -> None:
    request = read_request(REALTIME, {"type": "conversation.item.create", "item": item}, TARGET)
    assert by_path(request) == said
    assert request.decode_error is None


def test_a_response_s_own_settings_and_input_are_read() -> None:
    response = {
        "instructions": "Classify.",
        "input": [ITEMS[1], ITEMS[5]],
        "conversation": "none",
        "metadata": {"a": "b"},
    }
    request = read_request(REALTIME, {"type": "response.create", "response": response}, TARGET)
    assert by_path(request) == {
        "/response/instructions": ("system", "Classify."),
        "/response/input/0/content/0/text": ("user", "Hi"),
        "/response/input/0/content/1/transcript": ("user", "there"),
        "/response/input/1/output": ("tool_result", "noon"),
    }
    assert request.tool_results == (ToolResult(call_id="c1", path="/response/input/1/output"),)
    assert request.parameters == {"conversation": "none", "metadata": {"a": "b"}}


@pytest.mark.parametrize(
    ("query", "model"),
    [({"model": "m"}, "m"), ({"deployment": "d"}, "d"), ({}, None)],
    ids=["model", "deployment", "none"],
)
def test_the_model_is_in_the_address(query: dict[str, str], model: str | None) -> None:
    target = Target(host="h", path="/openai/realtime", method="GET", query=query)
    assert read_request(REALTIME, {"type": "response.create"}, target).model == model


@pytest.mark.parametrize("is_beta", [False, True], ids=["today", "beta"])
def test_text_is_read_as_it_comes(is_beta: bool) -> None:
    response, _ = stream(messages(answering(), beta=is_beta))
    assert by_path(response) == {"/output/0/content/0/text": ("assistant", "Grüße 😀 an alle, wo immer.")}
    assert (response.id, response.complete, response.finish_reason) == ("resp_1", True, FinishReason.STOP)
    assert response.usage == Usage(input_tokens=9, output_tokens=3)
    assert response.decode_error is None


@pytest.mark.parametrize("is_beta", [False, True], ids=["today", "beta"])
def test_speech_is_read_by_its_transcript_and_counted(is_beta: bool) -> None:
    response, _ = stream(messages(answering(spoken=True), beta=is_beta))
    assert by_path(response) == {"/output/0/content/0/transcript": ("assistant", "Grüße 😀 an alle, wo immer.")}
    assert response.audio_bytes == 3 * 320
    assert response.body_bytes > response.audio_bytes


def test_a_call_is_read_with_its_arguments() -> None:
    response, _ = stream(messages(answering(call=True)))
    assert by_path(response) == {"/output/0/arguments": ("tool_call", '{"zone": "utc"}')}
    assert response.tool_calls == (ToolCall(id="call_1", name="now", path="/output/0/arguments"),)
    assert response.finish_reason is FinishReason.TOOL_CALLS


def test_an_answer_without_deltas_is_read_from_its_end() -> None:
    items = [ITEMS[3], ITEMS[4]]
    done = {"type": "response.done", "response": {"id": "r", "status": "completed", "output": items}}
    response, _ = stream([json.dumps(done).encode()])
    assert by_path(response) == {
        "/output/0/content/0/transcript": ("assistant", "Well"),
        "/output/1/arguments": ("tool_call", "{}"),
    }
    assert response.complete


def test_a_transcription_is_read_with_the_usage_of_its_own() -> None:
    response, _ = stream([json.dumps(event).encode() for event in transcription()])
    assert by_path(response) == {"/content/0/transcript": ("assistant", "Grüße 😀 an alle, wo immer.")}
    assert (response.complete, response.finish_reason) == (True, FinishReason.STOP)
    assert response.usage == Usage(input_tokens=9, output_tokens=3)


def test_a_transcription_that_failed_says_why() -> None:
    kind = "conversation.item.input_audio_transcription.failed"
    event = {"type": kind, "item_id": "i", "content_index": 0, "error": {"code": "audio", "message": "Noise."}}
    response, _ = stream([json.dumps(event).encode()])
    assert response.error == ProviderError(type="audio", message="Noise.")
    assert response.complete


@pytest.mark.parametrize(
    ("ending", "finish", "raw"),
    [
        ({"status": "completed"}, FinishReason.STOP, "completed"),
        (
            {"status": "cancelled", "status_details": {"reason": "turn_detected"}},
            FinishReason.CANCELLED,
            "turn_detected",
        ),
        (
            {"status": "incomplete", "status_details": {"reason": "max_output_tokens"}},
            FinishReason.LENGTH,
            "max_output_tokens",
        ),
        (
            {"status": "incomplete", "status_details": {"reason": "content_filter"}},
            FinishReason.CONTENT_FILTER,
            "content_filter",
        ),
        ({"status": "failed"}, FinishReason.ERROR, "failed"),
    ],
    ids=["completed", "interrupted", "length", "filtered", "failed"],
)
def test_how_a_response_ended(ending: dict[str, Any], finish: FinishReason, raw: str) -> None:
    done = {"type": "response.done", "response": {"id": "r", "output": [], **ending}}
    RealtimeResponse.model_validate(done["response"])
    response, _ = stream([json.dumps(done).encode()])
    assert (response.finish_reason, response.raw_finish_reason) == (finish, raw)


def test_a_failed_response_says_why() -> None:
    error = {"type": "server_error", "code": "x", "message": "Oh."}
    details = {"type": "failed", "error": error}
    done = {
        "type": "response.done",
        "response": {"id": "r", "status": "failed", "status_details": details, "output": []},
    }
    response, _ = stream([json.dumps(done).encode()])
    assert response.error == ProviderError(type="server_error", message="Oh.")


def test_usage_adds_up_as_openai_s_types_say() -> None:
    usage = {
        "total_tokens": 253,
        "input_tokens": 132,
        "output_tokens": 121,
        "input_token_details": {
            "text_tokens": 79,
            "audio_tokens": 49,
            "image_tokens": 4,
            "cached_tokens": 64,
            "cached_tokens_details": {"text_tokens": 24, "audio_tokens": 40, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
    }
    told = RealtimeResponseUsage.model_validate(usage)
    done = {"type": "response.done", "response": {"id": "r", "status": "completed", "output": [], "usage": usage}}
    response, _ = stream([json.dumps(done).encode()])
    assert told.input_token_details is not None
    assert told.input_token_details.cached_tokens_details is not None
    assert told.output_token_details is not None
    assert response.usage == Usage(
        input_tokens=told.input_tokens,
        output_tokens=told.output_tokens,
        cache_read_tokens=told.input_token_details.cached_tokens,
        cache_audio_read_tokens=told.input_token_details.cached_tokens_details.audio_tokens,
        input_audio_tokens=told.input_token_details.audio_tokens,
        input_image_tokens=told.input_token_details.image_tokens,
        output_audio_tokens=told.output_token_details.audio_tokens,
    )
    assert told.total_tokens == (response.usage.input_tokens or 0) + (response.usage.output_tokens or 0)


def test_an_error_before_the_answer_is_the_whole_answer() -> None:
    error = {"type": "invalid_request_error", "code": "x", "message": "No.", "event_id": "e1"}
    response, _ = stream([json.dumps({"type": "error", "event_id": "event_1", "error": error}).encode()])
    assert response.error == ProviderError(type="invalid_request_error", message="No.")
    assert response.complete


def test_a_handshake_that_failed_has_an_error() -> None:
    response = read_response(REALTIME, {"error": {"message": "Bad key", "type": "invalid_request_error"}}, 401)
    assert response.error == ProviderError(type="invalid_request_error", message="Bad key")


def test_openai_s_library_reads_our_refusal() -> None:
    refusal = Refusal(status=403, code="policy_refused", message="Not that.", request_id="req-7")
    (message,) = REALTIME.refuse_on_socket(refusal)
    event: Any = TypeAdapter(RealtimeServerEvent).validate_json(message)
    assert (event.type, event.error.code, event.error.message) == ("error", "policy_refused", "Not that.")
    old: Any = TypeAdapter(beta.RealtimeServerEvent).validate_json(message)
    assert old.error.code == "policy_refused"


@pytest.mark.parametrize("spoken", [False, True], ids=["text", "speech"])
def test_an_item_that_is_told_again_is_edited_again(spoken: bool) -> None:
    edits = MessageEditor(REALTIME, Makes(swapped))
    events = messages(answering(spoken=spoken, in_conversation=True))
    out = [json.loads(message) for event in events for message in edits.feed(event)]
    told = [event["item"]["content"] for event in out if event["type"] == "conversation.item.done"]
    member = "transcript" if spoken else "text"
    assert [content[0][member] for content in told] == [swapped("".join(WORDS))]
    assert not any(word in json.dumps(out, ensure_ascii=False) for word in WORDS if swapped(word) != word)


def ending_of(begun: list[bytes]) -> list[bytes]:
    """The events that end an answer of which these have gone out."""
    refusal = Refusal(status=403, code="policy_cut", message="Cut.", request_id="req-7")
    found = REALTIME.stream_map()
    for event in begun:
        found.sent("", found.read("", event).document)
    return [data for _, data in found.end(refusal)]


@pytest.mark.parametrize("spoken", [False, True], ids=["text", "speech"])
def test_openai_s_library_reads_a_cut_answer(spoken: bool) -> None:
    begun = messages(answering(spoken=spoken))[:6]
    ending = ending_of(begun)
    events: list[Any] = [TypeAdapter(RealtimeServerEvent).validate_json(data) for data in ending]
    assert [event.type for event in events][-2:] == ["response.output_item.done", "response.done"]
    assert all(event.response_id == "resp_1" for event in events[:-1])
    assert (events[-1].response.status, events[-1].response.status_details.reason) == ("incomplete", "content_filter")
    response, _ = stream([*begun, *ending])
    assert (response.finish_reason, response.complete) == (FinishReason.CONTENT_FILTER, True)


@pytest.mark.parametrize(
    ("spoken", "name"),
    [(False, "response.text.done"), (True, "response.audio_transcript.done")],
    ids=["text", "speech"],
)
def test_a_cut_answer_of_the_beta_is_ended_in_its_words(spoken: bool, name: str) -> None:
    ending = ending_of(messages(answering(spoken=spoken), beta=True)[:6])
    types = [json.loads(data)["type"] for data in ending]
    assert types == [name, "response.content_part.done", "response.output_item.done", "response.done"]
    events: list[Any] = [TypeAdapter(beta.RealtimeServerEvent).validate_json(data) for data in ending]
    assert events[-1].response.status_details.reason == "content_filter"


def test_nothing_ends_what_has_ended() -> None:
    assert ending_of(messages(answering())) == []
    assert ending_of([json.dumps(event).encode() for event in transcription()]) == []


def test_a_cut_transcription_ends_as_failed() -> None:
    (data,) = ending_of([json.dumps(event).encode() for event in transcription()[:2]])
    event: Any = TypeAdapter(RealtimeServerEvent).validate_json(data)
    assert (event.type.rpartition(".")[2], event.item_id, event.error.message) == ("failed", "item_0", "Cut.")


EVENTS = [json.loads(event) for spoken in (False, True) for event in messages(answering(spoken=spoken))]


@given(mutated({"events": [*EVENTS, *transcription()]}))
def test_odd_events_are_noted_and_never_raise(document: Any) -> None:
    events = document.get("events") if isinstance(document, dict) else None
    stream([json.dumps(event).encode() for event in events] if isinstance(events, list) else [b"{}"])


@given(mutated({"type": "x", "session": {"tools": [TOOL], "prompt": {"variables": {"a": "b"}}}, "items": ITEMS}))
def test_odd_messages_are_noted_and_never_raise(document: Any) -> None:
    REALTIME.read_request(Node(document, Trouble()), TARGET)
