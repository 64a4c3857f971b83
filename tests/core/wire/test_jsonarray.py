"""A JSON array in pieces: its objects, whatever the chunks."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.wire import jsonarray
from midwatch_core.wire.jsonarray import JsonArrayFramer
from tests.core.wire.wire_checks import cuts, split_at

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab{}[]"\\,é😀\n', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='k{"\\', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def cut(chunks: list[bytes]) -> list[bytes]:
    framer = JsonArrayFramer()
    events = [event for chunk in chunks for event in framer.feed(chunk)]
    return [data for _, data in events + framer.close()]


@given(st.lists(values, max_size=5), st.sampled_from([None, 2]), st.booleans(), cuts)
def test_any_split_gives_the_objects(items: list[Any], indent: int | None, ascii_only: bool, where: list[int]) -> None:
    body = json.dumps(items, indent=indent, ensure_ascii=ascii_only).encode()
    assert [json.loads(data) for data in cut(split_at(body, where))] == [i for i in items if isinstance(i, dict)]


@given(st.binary(max_size=200), cuts)
def test_any_bytes_are_survived(body: bytes, where: list[int]) -> None:
    assert cut(split_at(b"[" + body, where)) == cut([b"[" + body])


def test_an_object_is_given_out_as_soon_as_it_is_whole() -> None:
    framer = JsonArrayFramer()
    assert framer.feed(b'[{"a": "}') == []
    assert framer.feed(b'"}') == [("", b'{"a": "}"}')]
    assert framer.feed(b',\n{"b":') == []
    assert framer.close() == [("", b'{"b":')]
    assert framer.close() == []


def test_memory_is_bounded_and_an_overflow_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonarray, "MAX_EVENT_BYTES", 64 * 1024)
    framer = JsonArrayFramer()
    framer.feed(b'[{"a": "')
    tracemalloc.start()
    for _ in range(2000):
        framer.feed(b"x" * 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 512 * 1024
    assert framer.feed(b'"}, {"b": 1}') == [("", b'{"b": 1}')]
    framer.close()
    assert framer.overflowed
