"""The Realtime protocol's socket: which message is which call's, and what a call reads."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, Operation, ProviderError
from midwatch_core.wire.dialects.openai import realtime_conversation as openai_realtime_conversation
from midwatch_core.wire.dialects.openai import realtime_socket as openai_realtime_socket
from midwatch_core.wire.dialects.openai.realtime import OpenAIRealtime
from midwatch_core.wire.socket import NOTHING_HEARD, NOTHING_SAID
from midwatch_core.wire.target import Target
from tests.core.wire.socket_checks import Talk
from tests.core.wire.wire_checks import anything, by_path

REALTIME = OpenAIRealtime()
TARGET = Target(host="api.openai.com", path="/v1/realtime", method="GET", query={"model": "gpt-realtime"})
TRANSCRIPTION = "conversation.item.input_audio_transcription"
TOOL = {"type": "function", "name": "now", "parameters": {}}
SESSION: dict[str, Any] = {
    "id": "sess_1",
    "type": "realtime",
    "model": "gpt-realtime-2025-08-28",
    "instructions": "Be kind.",
    "client_secret": {"value": "ek_123"},
    "audio": {"input": {"transcription": None}},
}
LISTENING = {
    "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe", "prompt": "Names.", "language": "de"}}}
}


@pytest.fixture
def talk() -> Talk:
    talk = Talk(REALTIME, TARGET)
    assert talk.hear("session.created", session=SESSION) == NOTHING_HEARD
    return talk


def write(talk: Talk, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    talk.say("conversation.item.create", item={"type": "message", "role": "user", "content": content})


def answer(talk: Talk, response_id: str, text: str, **begun: Any) -> list[int | None]:
    """A whole answer; the calls its messages were taken for."""
    place = {"response_id": response_id, "output_index": 0, "content_index": 0}
    usage = {"total_tokens": 7, "input_tokens": 5, "output_tokens": 2}
    done = {"id": response_id, "status": "completed", "output": [], "usage": usage}
    heard = [
        talk.hear("response.created", response={"id": response_id, **begun}),
        talk.hear("response.output_text.delta", **place, delta=text),
        talk.hear("response.done", response=done),
    ]
    return [each.call for each in heard]


def test_a_call_reads_the_settings_and_what_was_written_since_the_last(talk: Talk) -> None:
    own = talk.say("session.update", session={"instructions": "Be brief.", "tools": [TOOL]}).own
    assert own is not None
    write(talk, "Hi")
    said = talk.say("response.create")
    assert said.own is None
    assert by_path(talk.requests[0]) == {
        "/session/tools/0": ("tool_definition", '{"type":"function","name":"now","parameters":{}}'),
        "/session/instructions": ("system", "Be brief."),
        "/items/0/content/0/text": ("user", "Hi"),
    }
    assert (talk.requests[0].model, talk.requests[0].conversation_id) == ("gpt-realtime-2025-08-28", "sess_1")
    assert answer(talk, "resp_1", "Hello") == [0, 0, 0]
    write(talk, "And now?")
    talk.say("response.create")
    assert [item.text for item in talk.requests[1].segments][1:] == ["Be brief.", "And now?"]
    assert answer(talk, "resp_2", "Noon") == [1, 1, 1]
    assert [by_path(talk.answers[number]) for number in (0, 1)] == [
        {"/output/0/content/0/text": ("assistant", "Hello")},
        {"/output/0/content/0/text": ("assistant", "Noon")},
    ]


def test_a_browser_s_key_is_no_setting(talk: Talk) -> None:
    said = talk.say("response.create")
    assert said.begins is not None
    assert "ek_123" not in json.dumps(said.begins.document)


def test_every_message_s_own_texts_stand_at_their_places_in_it(talk: Talk) -> None:
    said = talk.say("response.create", response={"instructions": "Shout.", "input": []})
    assert said.own is not None
    assert by_path(said.own.request) == {"/response/instructions": ("system", "Shout.")}
    assert by_path(talk.requests[0]) == {"/response/instructions": ("system", "Shout.")}


def test_a_response_with_its_own_input_leaves_the_conversation_to_the_next(talk: Talk) -> None:
    write(talk, "Hi")
    other = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Classify."}]}
    talk.say("response.create", response={"conversation": "none", "input": [other]})
    talk.say("response.create")
    assert [item.text for item in talk.requests[0].segments] == ["Be kind.", "Classify."]
    assert [item.text for item in talk.requests[1].segments] == ["Be kind.", "Hi"]


def test_responses_side_by_side_are_told_apart(talk: Talk) -> None:
    for topic in ("a", "b"):
        talk.say("response.create", response={"conversation": "none", "metadata": {"topic": topic}})
    assert talk.hear("response.created", response={"id": "r_b", "metadata": {"topic": "b"}}).call == 1
    assert talk.hear("response.created", response={"id": "r_a", "metadata": {"topic": "a"}}).call == 0
    assert talk.hear("response.output_text.delta", response_id="r_a", output_index=0, delta="x").call == 0
    assert talk.hear("response.output_text.delta", response_id="r_b", output_index=0, delta="y").call == 1
    assert talk.reader.cancel(1) == b'{"type":"response.cancel","response_id":"r_b"}'
    assert talk.reader.cancel(7) is None
    assert talk.hear("response.done", response={"id": "r_b", "status": "completed"}).call == 1
    assert talk.reader.cancel(1) is None


def test_speech_that_ended_begins_a_call(talk: Talk) -> None:
    sound = base64.b64encode(bytes(range(1, 100))).decode()
    for _ in range(2):
        assert talk.say("input_audio_buffer.append", audio=sound) == NOTHING_SAID
    assert talk.hear("input_audio_buffer.committed", item_id="item_1") == NOTHING_HEARD
    heard = talk.hear("response.created", response={"id": "resp_1"})
    assert heard.call == 0
    assert heard.begins is not None
    assert talk.requests[0].audio_bytes == 2 * 99
    assert by_path(talk.requests[0]) == {"/session/instructions": ("system", "Be kind.")}
    assert talk.hear("response.done", response={"id": "resp_1", "status": "completed", "output": []}).call == 0


def test_an_answer_s_item_is_told_again_as_that_answer_s(talk: Talk) -> None:
    talk.say("response.create")
    talk.hear("response.created", response={"id": "resp_1"})
    item = {"id": "item_1", "type": "message", "role": "assistant", "content": []}
    assert talk.hear("response.output_item.added", response_id="resp_1", output_index=0, item=item).call == 0
    assert talk.hear("conversation.item.added", item=item).call == 0
    assert talk.hear("response.done", response={"id": "resp_1", "status": "completed"}).call == 0
    assert talk.hear("conversation.item.retrieved", item=item).call == 0
    assert talk.hear("conversation.item.done", item={"id": "item_0", "role": "user"}) == NOTHING_HEARD
    assert talk.hear("response.output_item.added", response_id="nobody's", item=item) == NOTHING_HEARD


def test_sound_that_the_client_commits_is_heard(talk: Talk) -> None:
    talk.say("input_audio_buffer.append", audio="AAAA")
    talk.say("input_audio_buffer.commit")
    talk.hear("input_audio_buffer.committed", item_id="item_1")
    talk.say("response.create")
    assert talk.requests[0].audio_bytes == 3


def test_sound_that_was_cleared_is_not_heard(talk: Talk) -> None:
    talk.say("input_audio_buffer.append", audio="AAAA")
    talk.say("input_audio_buffer.clear")
    talk.say("input_audio_buffer.append", audio="AAAAAAAA")
    talk.hear("input_audio_buffer.committed", item_id="item_1")
    talk.say("response.create")
    assert talk.requests[0].audio_bytes == 6


def test_sound_in_an_item_is_counted_and_not_kept(talk: Talk) -> None:
    content = [{"type": "input_audio", "audio": "AAAAAAAA", "transcript": "Hi"}]
    talk.say("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    said = talk.say("response.create")
    assert said.begins is not None
    assert said.begins.request.audio_bytes == 6
    assert "AAAA" not in json.dumps(said.begins.document)
    assert [item.text for item in said.begins.request.segments] == ["Be kind.", "Hi"]


def test_a_transcription_is_a_call_of_its_own_and_its_text_is_read_by_the_next_response(talk: Talk) -> None:
    talk.hear("session.updated", session={**SESSION, **LISTENING})
    talk.say("input_audio_buffer.append", audio="AAAA")
    assert talk.hear("input_audio_buffer.committed", item_id="item_1").call == 0
    request = talk.requests[0]
    assert (request.operation, request.model, request.audio_bytes) == (
        Operation.TRANSCRIPTION,
        "gpt-4o-transcribe",
        3,
    )
    assert by_path(request) == {"/session/instructions": ("system", "Names.")}
    assert (request.parameters, request.conversation_id) == ({"language": "de"}, "sess_1")
    assert talk.hear(f"{TRANSCRIPTION}.delta", item_id="item_1", delta="Hello").call == 0
    usage = {"type": "tokens", "input_tokens": 3, "output_tokens": 1, "total_tokens": 4}
    assert talk.hear(f"{TRANSCRIPTION}.completed", item_id="item_1", transcript="Hello", usage=usage).call == 0
    assert by_path(talk.answers[0]) == {"/content/0/transcript": ("assistant", "Hello")}
    assert talk.answers[0].finish_reason is FinishReason.STOP
    talk.say("response.create")
    assert [item.text for item in talk.requests[1].segments] == ["Be kind.", "Hello"]


def test_a_session_that_only_transcribes_has_no_other_calls() -> None:
    talk = Talk(REALTIME, Target(host="h", path="/v1/realtime", method="GET", query={}))
    settings = {"type": "transcription", "id": "sess_2", **LISTENING}
    talk.say("session.update", session=settings)
    for number in range(2):
        assert talk.hear(f"{TRANSCRIPTION}.delta", item_id=f"i{number}", delta="Hi").call == number
        assert talk.hear(f"{TRANSCRIPTION}.completed", item_id=f"i{number}", transcript="Hi").call == number
    assert [request.operation for request in talk.requests.values()] == [Operation.TRANSCRIPTION] * 2
    assert len(talk.answers) == 2


def test_the_beta_names_what_is_transcribed_at_the_top(talk: Talk) -> None:
    beta = {"input_audio_transcription": {"model": "whisper-1"}}
    talk.say("transcription_session.update", session=beta)
    assert talk.hear("input_audio_buffer.committed", item_id="item_1").call == 0
    assert talk.requests[0].model == "whisper-1"


def test_the_tools_of_an_mcp_server_are_read_by_the_next_call(talk: Talk) -> None:
    item = {"type": "mcp_list_tools", "id": "m", "server_label": "mail", "tools": [{"name": "send"}]}
    assert talk.hear("conversation.item.done", item=item) == NOTHING_HEARD
    talk.hear("conversation.item.done", item={"type": "message", "role": "assistant", "content": []})
    talk.say("response.create")
    assert by_path(talk.requests[0])["/items/0/tools/0"] == ("tool_definition", '{"name":"send"}')
    assert len(talk.requests[0].segments) == 2


def test_an_error_is_of_the_call_that_it_names(talk: Talk) -> None:
    talk.say("response.create", event_id="e1")
    talk.say("response.create", event_id="e2")
    error = {"type": "invalid_request_error", "message": "No.", "event_id": "e1"}
    assert talk.hear("error", error=error).call == 0
    assert talk.answers[0].error == ProviderError(type="invalid_request_error", message="No.")
    assert answer(talk, "resp_2", "Hi") == [1, 1, 1]
    assert talk.hear("error", error={"message": "No.", "event_id": "e9"}) == NOTHING_HEARD


def test_an_error_without_a_name_is_of_the_message_before_it(talk: Talk) -> None:
    talk.say("response.create")
    talk.say("input_audio_buffer.append", audio="AAAA")
    about_an_item = {"message": "Bad item.", "event_id": None, "param": "item.content"}
    assert talk.hear("error", error=about_an_item) == NOTHING_HEARD
    assert talk.hear("error", error={"message": "No.", "event_id": None}).call == 0
    talk.say("response.create")
    write(talk, "Hi")
    assert talk.hear("error", error={"message": "No.", "event_id": None}) == NOTHING_HEARD


def test_what_was_refused_is_not_read(talk: Talk) -> None:
    write(talk, "Hi")
    write(talk, "Forbidden")
    talk.reader.refused()
    talk.say("session.update", session={"instructions": "Forbidden"})
    talk.reader.refused()
    talk.say("response.create")
    assert [item.text for item in talk.requests[0].segments] == ["Be kind.", "Hi"]


def test_a_refused_call_leaves_what_was_written_to_the_next(talk: Talk) -> None:
    write(talk, "Hi")
    talk.say("response.create")
    talk.reader.refused()
    talk.say("response.create")
    assert [item.text for item in talk.requests[1].segments] == ["Be kind.", "Hi"]
    assert answer(talk, "resp_1", "Hello") == [1, 1, 1]


def test_what_is_written_beyond_a_bound_is_left_out_and_told(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_realtime_conversation, "_MAX_ITEMS", 2)
    for number in range(3):
        write(talk, str(number))
    talk.say("response.create")
    assert [item.text for item in talk.requests[0].segments] == ["Be kind.", "1", "2"]
    assert talk.requests[0].decode_error is not None
    talk.say("response.create")
    assert talk.requests[1].decode_error is None


def test_one_item_too_large_is_left_out(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_realtime_conversation, "_MAX_BYTES", 400)
    write(talk, "x" * 500)
    write(talk, "Hi")
    talk.say("response.create")
    assert [item.text for item in talk.requests[0].segments] == ["Be kind.", "Hi"]


def test_settings_that_never_end_begin_anew(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_realtime_conversation, "_MAX_BYTES", 600)
    for number in range(20):
        talk.say("session.update", session={f"unknown_{number}": "x" * 100})
    talk.hear("session.updated", session={"instructions": "Be kind."})
    said = talk.say("response.create")
    assert said.begins is not None
    assert len(json.dumps(said.begins.document)) < 1000
    assert [item.text for item in said.begins.request.segments] == ["Be kind."]


def test_calls_without_end_are_given_up_beyond_a_bound(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_realtime_socket, "_MAX_OPEN", 2)
    for number in range(3):
        talk.hear("response.created", response={"id": f"r{number}"})
        talk.hear(f"{TRANSCRIPTION}.delta", item_id=f"i{number}", delta="x")
    assert talk.hear("response.done", response={"id": "r0"}) == NOTHING_HEARD
    assert talk.hear("response.done", response={"id": "r2", "status": "completed"}).call == 4
    for _ in range(3):
        talk.say("response.create")
    assert talk.hear("response.created", response={"id": "r9"}).call == 7


def test_what_says_nothing_to_the_model_is_no_call(talk: Talk) -> None:
    assert talk.reader.sent(b"\xff") == talk.reader.sent(b"[]") == talk.reader.sent(b"{}") == NOTHING_SAID
    assert talk.say("response.cancel") == NOTHING_SAID
    assert talk.take(b"\xff") == talk.take(b"[]") == talk.hear("rate_limits.updated", rate_limits=[]) == NOTHING_HEARD
    assert talk.hear("response.output_text.delta", response_id="nobody's", delta="x") == NOTHING_HEARD


TYPES = (
    "session.created",
    "session.update",
    "conversation.item.create",
    "conversation.item.done",
    "response.output_item.added",
    "input_audio_buffer.append",
    "input_audio_buffer.committed",
    "response.create",
    "response.created",
    "response.done",
    f"{TRANSCRIPTION}.delta",
    f"{TRANSCRIPTION}.completed",
    "error",
)
MEMBERS = ("session", "item", "item_id", "audio", "response", "response_id", "error", "event_id", "transcript", "delta")
shaped = st.sampled_from(
    [{"id": "r"}, {"metadata": []}, {"input": [1]}, {"content": [{"audio": 1}]}, LISTENING, {"event_id": {}}, ["x"]]
)
messages = st.builds(
    lambda kind, members: json.dumps({"type": kind, **members}).encode(),
    st.sampled_from(TYPES) | anything,
    st.dictionaries(st.sampled_from(MEMBERS), anything | shaped, max_size=4),
) | st.binary(max_size=20)


@given(st.lists(st.tuples(st.sampled_from(["sent", "received", "refused", "cancel"]), messages), max_size=20))
def test_no_order_of_any_messages_raises(steps: Iterable[tuple[str, bytes]]) -> None:
    reader = REALTIME.socket_reader(TARGET)
    begun = 0
    for step, message in steps:
        if step == "refused":
            reader.refused()
        elif step == "cancel":
            reader.cancel(begun)
        else:
            found = reader.sent(message) if step == "sent" else reader.received(message)
            begun += found.begins is not None
            call = getattr(found, "call", None)
            assert call is None or 0 <= call < begun
