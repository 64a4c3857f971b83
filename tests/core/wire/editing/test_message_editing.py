"""Answers that come in messages: each stays one, or becomes several, and keeps its bytes where nothing changed."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from midwatch_core.wire.editing import messages
from midwatch_core.wire.editing.messages import MessageEditor
from midwatch_core.wire.refusal import Refusal
from tests.core.wire.editing.filters import Makes, Tripping, swapped

REFUSAL = Refusal(status=403, code="blocked_by_policy", message="No.", request_id="r")
PLACE = {"output_index": 0, "content_index": 0, "item_id": "m"}


def delta(text: str, *, number: int = 1) -> bytes:
    event = {"type": "response.output_text.delta", "delta": text, "sequence_number": number, **PLACE}
    return orjson.dumps(event, option=orjson.OPT_INDENT_2)


def done(text: str) -> bytes:
    return orjson.dumps({"type": "response.output_text.done", "text": text, "sequence_number": 9, **PLACE})


def test_a_message_with_nothing_changed_keeps_its_bytes() -> None:
    editor = MessageEditor(OpenAIResponses(), Makes())
    for message in (delta("one\ntwo"), done("one\ntwo"), b'{"type":"rate_limits.updated"}'):
        assert editor.feed(message) == [message]


def test_what_was_held_comes_in_a_message_of_its_own() -> None:
    editor = MessageEditor(OpenAIResponses(), Makes(swapped, hold=None))
    (first,) = editor.feed(delta("go on"))
    assert orjson.loads(first)["delta"] == ""
    tail, last = editor.feed(done("go on"))
    assert orjson.loads(tail)["delta"] == "gö ön"
    assert orjson.loads(last)["text"] == "gö ön"


def test_a_cut_ends_the_answer_in_messages() -> None:
    editor = MessageEditor(OpenAIResponses(), lambda path, part, json: Tripping("stop"))
    assert editor.feed(delta("go")) == [delta("go")]
    assert editor.feed(delta(" stop")) == []
    assert editor.cut_by is not None
    kinds = [orjson.loads(message)["type"] for message in editor.cut(REFUSAL)]
    assert kinds[-1] == "response.incomplete"
    assert editor.cut(REFUSAL) == []


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_what_is_no_event_passes_as_it_came(strange: list[bytes]) -> None:
    editor = MessageEditor(OpenAIResponses(), Makes(swapped))
    assert [editor.feed(message) for message in strange] == [[message] for message in strange]


@pytest.mark.parametrize("message", [b"x" * 101, b'{"a":"\x1e"}'])
def test_messages_that_can_be_no_event_are_counted(message: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_EVENT_BYTES", 100)
    editor = MessageEditor(OpenAIResponses(), Makes(swapped))
    assert editor.feed(message) == [message]
    assert editor.unread == 1
