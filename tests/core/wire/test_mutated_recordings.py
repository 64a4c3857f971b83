"""Recorded exchanges with their bytes spoilt: nothing raises, no text outgrows what came, traffic stays as it is."""

import functools
import random
from typing import Any
from urllib.parse import urlsplit

import pytest

from midwatch_core.model.segment import Segment
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.editing.cutting import cutter_for
from midwatch_core.wire.editing.editor import StreamEditor
from midwatch_core.wire.eventstream import MessageReader, event_message
from midwatch_core.wire.refusal import Refusal
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target
from tests.core.wire.editing.filters import Makes
from tests.core.wire.mutations import MUTATIONS
from tests.core.wire.recordings import ABSENT, Recording, everything
from tests.core.wire.test_recorded_exchanges import matched

DIALECTS = {dialect.id: dialect for dialect in BUILTIN}
REFUSAL = Refusal(status=403, code="policy_cut", message="Cut by policy.", request_id="req-7")
ROUNDS = 4
# Compact JSON of a value may be longer than it was sent (an escape undone, a number written out), never by much.
MOST = 4


@functools.cache
def _all() -> list[Recording]:
    return everything()


def every(*kinds: str) -> list[Any]:
    """Parameters: the numbers of the recordings (of these kinds), or one that skips."""
    found = [
        pytest.param(number, id=f"{number}-{item.kind}")
        for number, item in enumerate(_all())
        if not kinds or item.kind in kinds
    ]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]


@pytest.mark.parametrize("number", every())
def test_a_spoilt_exchange_is_survived(number: int) -> None:
    found = _all()
    recording, other = found[number], found[(number * 7 + 3) % len(found)]
    dialect = DIALECTS[matched(recording).dialect]
    choice = random.Random(number)
    for mutation in MUTATIONS * ROUNDS:
        if recording.request.plain and other.request.plain:
            _ask(dialect, recording, mutation(recording.request.plain, other.request.plain, choice))
        if recording.response.plain and other.response.plain:
            body = mutation(recording.response.plain, other.response.plain, choice)
            _answer(dialect, recording, body, choice)
            _edit(dialect, recording, body)


@pytest.mark.parametrize("number", every("bedrock-converse-stream", "bedrock-invoke-stream"))
def test_events_of_spoilt_content_are_survived_behind_right_checksums(number: int) -> None:
    """A flipped bit in an event stream is found by its checksum: here what is in the messages is spoilt."""
    recording = _all()[number]
    dialect = DIALECTS[matched(recording).dialect]
    messages = [item for item in MessageReader().feed(recording.response.plain) if item.data]
    choice = random.Random(number)
    for mutation in MUTATIONS * ROUNDS:
        spoilt = [(item.name, mutation(item.data, choice.choice(messages).data, choice)) for item in messages]
        choice.shuffle(spoilt)
        body = b"".join(event_message(name, data) for name, data in spoilt)
        _answer(dialect, recording, body, choice)
        _edit(dialect, recording, body)


def _ask(dialect: Dialect, recording: Recording, body: bytes) -> None:
    url = urlsplit(recording.uri)
    target = Target(host=url.netloc, path=url.path, captures=matched(recording).captures)
    request = decode_request(dialect, body, target).request
    assert request.body_bytes == len(body)
    _bounded(request.segments, body)


def _answer(dialect: Dialect, recording: Recording, body: bytes, choice: random.Random) -> None:
    decoder = ResponseDecoder(
        dialect,
        status=recording.status,
        content_type=recording.response.headers.get("content-type", ""),
        content_encoding="",
        asked_to_stream=choice.random() < 0.5,
        headers=recording.response.headers,
    )
    size = choice.choice((1 << 20, 500, 33))
    for start in range(0, len(body), size):
        decoder.feed(body[start : start + size])
    response = decoder.finish(in_order=choice.random() < 0.7).response
    assert response.body_bytes == len(body)
    _bounded(response.segments, body)


def _edit(dialect: Dialect, recording: Recording, body: bytes) -> None:
    kind = recording.response.headers.get("content-type", "")
    for hold in (0, 5, None):
        cutter = cutter_for(kind, asked_to_stream=True, head=body[:64])
        if cutter is None:
            return
        editor = StreamEditor(dialect, cutter, Makes(hold=hold, strict=False))
        out = b"".join([editor.feed(body[:200]), editor.feed(body[200:])])
        if hold is None:
            editor.cut(REFUSAL)
        else:
            out += editor.close()
        assert hold != 0 or out == body


def _bounded(segments: tuple[Segment, ...], body: bytes) -> None:
    assert sum(len(segment.text.encode("utf-8", "replace")) for segment in segments) <= MOST * len(body)
