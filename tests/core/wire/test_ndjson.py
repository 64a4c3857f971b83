"""NDJSON: lines, whatever the chunks."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.wire import ndjson
from midwatch_core.wire.ndjson import NdjsonFramer
from tests.core.wire.wire_checks import cuts, split_at


def cut(chunks: list[bytes]) -> list[bytes]:
    framer = NdjsonFramer()
    events = [event for chunk in chunks for event in framer.feed(chunk)]
    return [data for _, data in events + framer.close()]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}\r\n\r\n{"b":2}', [b'{"a":1}', b'{"b":2}']),
        (b"\n\n", []),
        (b"", []),
    ],
)
def test_lines(body: bytes, lines: list[bytes]) -> None:
    assert cut([body]) == lines


@given(st.binary(max_size=200), cuts)
def test_any_split_gives_the_same(body: bytes, where: list[int]) -> None:
    assert cut(split_at(body, where)) == [line.strip() for line in body.split(b"\n") if line.strip()]


def test_memory_is_bounded_and_the_next_line_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_EVENT_BYTES", 64 * 1024)
    framer = NdjsonFramer()
    tracemalloc.start()
    for _ in range(2000):
        framer.feed(b"x" * 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 512 * 1024
    assert framer.overflowed
    assert framer.feed(b'\n{"a":1}\n')[-1] == ("", b'{"a":1}')
