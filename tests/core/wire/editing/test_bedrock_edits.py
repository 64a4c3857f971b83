"""Bedrock's streams under mutation: whatever an event holds, it passes or is edited, and nothing raises."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midwatch_core.wire.dialect import Refusal
from tests.core.wire.editing import bedrock_streams
from tests.core.wire.editing.filters import Makes, editor, swapped
from tests.core.wire.editing.streams import ANTHROPIC, AWS, DIALECTS, Stream
from tests.core.wire.wire_checks import mutated, split_at

REFUSAL = Refusal(status=403, code="policy_cut", message="Cut by policy.", request_id="req-7")
CHUNKS: dict[str, list[Any]] = {
    "anthropic": ANTHROPIC,
    "nova": [{name: value} for name, value in bedrock_streams.CONVERSE],
    "titan": bedrock_streams.TITAN,
    "llama": bedrock_streams.LLAMA,
    "mistral": bedrock_streams.MISTRAL,
    "cohere": bedrock_streams.COHERE,
    "deepseek": bedrock_streams.CHOICES,
}


def survived(stream: Stream, data: st.DataObject) -> None:
    """Every byte is kept where nothing is edited, and edits and cuts at any place end without an exception."""
    kept = editor(stream, Makes(strict=False))
    assert kept.feed(stream.body) + kept.close() == stream.body
    edits = editor(stream, Makes(swapped, data.draw(st.none() | st.integers(0, 9)), strict=False))
    upto = data.draw(st.integers(0, len(stream.body)))
    out = edits.feed(stream.body[:upto])
    out += edits.cut(REFUSAL) if data.draw(st.booleans()) else edits.feed(stream.body[upto:]) + edits.close()
    stream.decode(out)


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_event_of_converse_is_survived(data: st.DataObject) -> None:
    values = data.draw(mutated([value for _, value in bedrock_streams.CONVERSE]))
    names = [name for name, _ in bedrock_streams.CONVERSE]
    pairs = list(zip(names, values if isinstance(values, list) else [values], strict=False))
    survived(Stream("s", DIALECTS["bedrock.converse"], bedrock_streams.converse(*pairs), AWS), data)


@pytest.mark.parametrize("model", list(CHUNKS))
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_any_chunk_of_an_invocation_is_survived(model: str, data: st.DataObject) -> None:
    events = data.draw(mutated(CHUNKS[model]))
    body = bedrock_streams.chunks(*(events if isinstance(events, list) else [events]))
    survived(Stream("s", DIALECTS["bedrock.invoke"], body, AWS), data)


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_in_the_stream_are_survived(data: st.DataObject) -> None:
    body = bytearray(bedrock_streams.converse(*bedrock_streams.CONVERSE))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    survived(Stream("s", DIALECTS["bedrock.converse"], bytes(body), AWS), data)


def test_what_comes_after_a_broken_message_passes_unread_and_is_counted() -> None:
    body = bytearray(bedrock_streams.converse(*bedrock_streams.CONVERSE))
    body[len(body) // 2] ^= 1
    stream = Stream("s", DIALECTS["bedrock.converse"], bytes(body), AWS)
    edits = editor(stream, Makes())
    assert b"".join(edits.feed(part) for part in split_at(stream.body, [100, 900])) + edits.close() == stream.body
    assert edits.unread == 1
    noted = stream.decode(stream.body).decode_error
    assert noted is not None
    assert noted.startswith("event stream: ")


def test_a_cut_call_of_a_tool_is_no_whole_json() -> None:
    """What the client has of the arguments is what was sent before the cut, in a block that never stops."""
    stream = Stream("s", DIALECTS["bedrock.converse"], bedrock_streams.converse(*bedrock_streams.CONVERSE[:11]), AWS)
    edits = editor(stream, Makes())
    response = stream.decode(edits.feed(stream.body) + edits.cut(REFUSAL))
    (arguments,) = (item.text for item in response.segments if item.part == "tool_call")
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(arguments)
