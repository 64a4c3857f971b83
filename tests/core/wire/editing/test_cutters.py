"""Cutters lose no byte, cut alike however the bytes come, and agree with the framers on what an event is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.wire.editing import array, lines, sse
from midwatch_core.wire.editing.array import ArrayCutter
from midwatch_core.wire.editing.cutting import Cutter, cutter_for
from midwatch_core.wire.editing.eventstream import EventStreamCutter
from midwatch_core.wire.editing.lines import LineCutter
from midwatch_core.wire.editing.piece import Piece
from midwatch_core.wire.editing.sse import SseCutter
from midwatch_core.wire.eventstream import EventStreamFramer
from midwatch_core.wire.jsonarray import JsonArrayFramer
from midwatch_core.wire.ndjson import NdjsonFramer
from midwatch_core.wire.sse import SseFramer
from tests.core.wire.editing.streams import ALL, Stream
from tests.core.wire.wire_checks import cuts, split_at

PAIRS: list[tuple[type[Any], type[Any]]] = [
    (SseCutter, SseFramer),
    (LineCutter, NdjsonFramer),
    (ArrayCutter, JsonArrayFramer),
    (EventStreamCutter, EventStreamFramer),
]

BOM = b"\xef\xbb\xbf"
_sse_bytes = st.lists(
    st.sampled_from(
        [
            b"data: x",
            b"data:y",
            b"data",
            b"datax",
            b"event: e",
            b"id: 1",
            b": c",
            b"\n",
            b"\r\n",
            b"\r",
            BOM,
            b"",
        ]
    ),
    max_size=30,
).map(b"".join)
_line_bytes = st.lists(st.sampled_from([b'{"a": 1}', b" ", b"\n", b"\r\n", b"x"]), max_size=20).map(b"".join)
_array_bytes = st.lists(
    st.sampled_from([b"[", b"]", b"{", b"}", b'{"a": "}"}', b",", b'"', b"\\", b" ", b'"[{"', b"{}"]), max_size=20
).map(b"".join)
BODIES = [_sse_bytes, _line_bytes, _array_bytes]


def cut(cutter: Cutter, chunks: list[bytes]) -> list[Piece]:
    return [*(piece for chunk in chunks for piece in cutter.feed(chunk)), *cutter.close()]


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["sse", "lines", "array"])
@given(data=st.data())
def test_any_bytes_in_any_split(kind: int, data: st.DataObject) -> None:
    body = data.draw(BODIES[kind] | st.binary(max_size=60))
    make, frame = PAIRS[kind]
    whole = cut(make(), [body])
    assert b"".join(piece.raw for piece in whole) == body
    assert cut(make(), split_at(body, data.draw(cuts))) == whole
    assert cut(make(), [bytes([byte]) for byte in body]) == whole
    assert all(piece.with_data(piece.data) == piece.raw for piece in whole if piece.data is not None)
    if kind != 2 or body.startswith(b"["):  # what stands before or behind an array is no event of ours
        framer = frame()
        events = [*framer.feed(body), *framer.close()]
        ours = [(piece.name, piece.data) for piece in whole if piece.data is not None]
        assert ours == events[: len(ours)]
        assert ours == events or kind == 2


@pytest.mark.parametrize("stream", ALL)
def test_streams_are_cut_into_the_framers_events(stream: Stream) -> None:
    pieces = cut(stream.cutter(), split_at(stream.body, list(range(0, len(stream.body), 53))))
    assert b"".join(piece.raw for piece in pieces) == stream.body
    framer = dict(PAIRS)[type(stream.cutter())]()
    events = [*framer.feed(stream.body), *framer.close()]
    assert [(piece.name, piece.data) for piece in pieces if piece.data is not None] == events


@pytest.mark.parametrize(
    ("body", "new", "expected"),
    [
        (b"id: 1\r\nevent: e\r\ndata: old\r\n\r\n", b"new", b"id: 1\r\nevent: e\r\ndata: new\r\n\r\n"),
        (b"data:old\nid: 1\n\n", b"new", b"data:new\nid: 1\n\n"),
        (b"data: a\n: c\ndata: b\n\n", b"new", b"data: new\n: c\ndata: \n\n"),
        (b"data: a\ndata: b\n\n", b"1\n2\n3", b"data: 1\ndata: 2\ndata: 3\n\n"),
        (b"data: a\n\n", b"1\n2", b"data: 1\ndata: 2\n\n"),
    ],
)
def test_other_data_in_the_same_event(body: bytes, new: bytes, expected: bytes) -> None:
    (piece,) = cut(SseCutter(), [body])
    assert piece.with_data(new) == expected


def test_other_data_in_lines_and_arrays() -> None:
    assert [piece.with_data(b"{}") for piece in cut(LineCutter(), [b' {"a":1}\r\n'])] == [b" {}\r\n"]
    pieces = cut(ArrayCutter(), [b'[{"a":1},\r\n{"b":2}]\n'])
    assert b"".join(piece.with_data(b"{}") if piece.data else piece.raw for piece in pieces) == b"[{},\r\n{}]\n"
    assert [piece.last for piece in pieces] == [False, False, True, False]


def test_a_comment_is_not_held() -> None:
    assert [piece.raw for piece in SseCutter().feed(b": ping\ndata: x")] == [b": ping\n"]


@pytest.mark.parametrize(
    ("content_type", "head", "expected"),
    [
        ("text/event-stream; charset=utf-8", b"", SseCutter),
        ("application/x-ndjson", b"", LineCutter),
        ("application/json", b"[{", ArrayCutter),
        ("", b"data: x", SseCutter),
        ("application/vnd.amazon.eventstream", b"", EventStreamCutter),
        ("application/json", b"{", type(None)),
    ],
)
def test_the_cutter_of_a_body(content_type: str, head: bytes, expected: type[Any]) -> None:
    assert type(cutter_for(content_type, asked_to_stream=True, head=head)) is expected


@pytest.mark.parametrize(
    ("make", "module", "before", "large", "after"),
    [
        (SseCutter, sse, b"data: 1\n\n", b"id: 9\ndata: " + b"x" * 5000 + b"\r\n\r\n", b"data: 2\n\n"),
        (LineCutter, lines, b"1\n", b"x" * 5000 + b"\n", b"2\n"),
        (ArrayCutter, array, b'[{"a":1}', b',{"a":"' + b"}" * 5000 + b'"}', b',{"b":2}]'),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_an_event_too_large_passes_unread(
    monkeypatch: pytest.MonkeyPatch, make: type[Any], module: Any, before: bytes, large: bytes, after: bytes, step: int
) -> None:
    monkeypatch.setattr(module, "MAX_EVENT_BYTES", 1000)
    body = before + large + after
    cutter = make()
    pieces: list[Piece] = []
    for start in range(0, len(body), step):
        pieces += cutter.feed(body[start : start + step])
        if step < 100:
            assert len(cutter._buffer) < 1200
    pieces += cutter.close()
    assert b"".join(piece.raw for piece in pieces) == body
    assert [piece.data for piece in pieces if piece.data is not None] == [
        json.dumps(value, separators=(",", ":")).encode()
        for value in (({"a": 1}, {"b": 2}) if make is ArrayCutter else (1, 2))
    ]
    assert cutter.passed == 1
