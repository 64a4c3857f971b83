"""Server-sent events: a table of what the standard says, and any split against a plain reading of the whole."""

import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.wire import sse
from midwatch_core.wire.sse import SseFramer
from tests.core.wire.wire_checks import cuts, split_at

_BOM = b"\xef\xbb\xbf"
_TOKENS = [
    b"data: ",
    b"data:",
    b"data",
    b"event: e",
    b"event:",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\r\r",
    b":",
    b"x",
    b" ",
]
bodies = st.lists(st.sampled_from([*_TOKENS, _BOM, b"id: 1", b"retry: 9", b"\xff"]), max_size=24).map(b"".join)


def cut(chunks: list[bytes]) -> list[tuple[str, bytes]]:
    framer = SseFramer()
    events = [event for chunk in chunks for event in framer.feed(chunk)]
    return events + framer.close()


def plainly(body: bytes) -> list[tuple[str, bytes]]:
    """The standard's algorithm on a body that is there in full, with a blank line supposed at its end."""
    events: list[tuple[str, bytes]] = []
    name = ""
    data: list[bytes] = []
    for line in [*re.split(rb"\r\n|\r|\n", body.removeprefix(_BOM)), b""]:
        field, colon, value = line.partition(b":")
        if not line:
            if data:
                events.append((name, b"\n".join(data)))
            name, data = "", []
        elif field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event" and colon:
            name = value.strip().decode("utf-8", "replace")
    return events


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b"data: a\n\n", [("", b"a")]),
        (b"data:a\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
        (b"event: ping\ndata: {}\n\n", [("ping", b"{}")]),
        (b"data: {}\nevent: late\n\n", [("late", b"{}")]),
        (b"data: a\ndata: b\n\n", [("", b"a\nb")]),
        (b"data\n\n", [("", b"")]),
        (b"data:  two blanks\n\n", [("", b" two blanks")]),
        (b": keep-alive\n\n: another\n\ndata: a\n\n", [("", b"a")]),
        (b"id: 7\nretry: 10\ndata: a\n\n", [("", b"a")]),
        (b"event: gone\n\ndata: a\n\n", [("", b"a")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")]),
        (b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
        (_BOM + b"data: a\n\n", [("", b"a")]),
        (b"data: never ended", [("", b"never ended")]),
        (b"data: a\rdata: b", [("", b"a\nb")]),
        (b"\n\n\n", []),
        (b"", []),
    ],
)
def test_what_the_standard_says(body: bytes, events: list[tuple[str, bytes]]) -> None:
    assert cut([body]) == events
    assert cut([bytes([byte]) for byte in body]) == events
    assert plainly(body) == events


@given(bodies, cuts)
def test_any_split_gives_the_same(body: bytes, where: list[int]) -> None:
    assert cut(split_at(body, where)) == plainly(body)


@given(st.binary(max_size=200), cuts)
def test_any_bytes_are_survived(body: bytes, where: list[int]) -> None:
    assert cut(split_at(body, where)) == plainly(body)


def test_an_event_is_given_out_as_soon_as_it_is_whole() -> None:
    framer = SseFramer()
    assert framer.feed(b"data: a\n") == []
    assert framer.feed(b"\n") == [("", b"a")]
    assert framer.feed(b"data: b\r\n\r\n") == [("", b"b")]


@pytest.mark.parametrize("piece", [b"data: x", b"data: " + b"x" * 50 + b"\n", b"x", b"data: \r"])
def test_memory_is_bounded(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 64 * 1024)
    framer = SseFramer()
    tracemalloc.start()
    for _ in range(20_000):
        framer.feed(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 512 * 1024
    assert framer.overflowed


def test_after_an_event_too_large_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    framer = SseFramer()
    for _ in range(10):
        framer.feed(b"data: " + b"x" * 300)
    assert framer.overflowed
    assert framer.feed(b"\n\ndata: small\n\n")[-1] == ("", b"small")
