"""JSON as it is really sent: whole, cut, odd, deep, and no JSON at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.wire.jsontext import compact, load, parse
from tests.core.wire.wire_checks import anything

documents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(documents)
def test_whole_documents(document: Any) -> None:
    assert parse(json.dumps(document).encode()) == (document, None)
    assert load(json.dumps(document).encode()) == document
    assert json.loads(compact(document)) == document


@pytest.mark.parametrize(
    ("data", "document"),
    [
        (b'{"a": NaN, "b": [Infinity, -Infinity]}', {"a": None, "b": [None, None]}),
        (b'{"a": "\\ud83d"}', {"a": "�"}),
        (b'{"\\udc00": "\\ud83d\\ude00"}', {"�": "😀"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "\xff\xfe!"}', {"a": "��!"}),
        ('{"a": 1}'.encode("utf-16"), {"a": 1}),
    ],
)
def test_what_other_readers_pass(data: bytes, document: Any) -> None:
    assert parse(data) == (document, None)
    assert load(data) == document


@pytest.mark.parametrize(
    ("data", "document"),
    [
        (
            b'{"model": "m", "messages": [{"role": "user", "content": "Hel',
            {"model": "m", "messages": [{"role": "user", "content": "Hel"}]},
        ),
        (b'{"a": 1, "b"', {"a": 1}),
        (b"[1, 2", [1, 2]),
        (b"", None),
        (b"<html>", None),
        (b'{"a": 1} trailing', {"a": 1}),
    ],
)
def test_what_can_be_read_of_the_rest(data: bytes, document: Any) -> None:
    found, problem = parse(data)
    assert found == document
    assert problem is not None
    assert problem.startswith("not JSON at byte")
    with pytest.raises(ValueError, match="not JSON"):
        load(data)


@given(documents, st.integers(min_value=0))
def test_a_cut_anywhere_is_survived(document: Any, at: int) -> None:
    data = json.dumps(document, ensure_ascii=False).encode()
    parse(data[: at % (len(data) + 1)])


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    document, _ = parse(data)
    compact(document)


@pytest.mark.parametrize("depth", [200, 1000, 1024, 10_000, 1_000_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth(depth: int, opening: bytes, closing: bytes) -> None:
    document, problem = parse(opening * depth + b"1" + closing * depth)
    if depth <= 1000:
        assert problem is None
        assert compact(document) == (opening * depth + b"1" + closing * depth).decode()
    else:
        assert document is None or problem is None
    parse(opening * depth)


@given(anything)
def test_compact_is_one_line(value: Any) -> None:
    assert "\n" not in compact(value)


def test_numbers_beyond_64_bits() -> None:
    assert compact(2**70) == str(2**70)
    assert parse(str(2**70).encode()) == (float(2**70), None)
    parse(b"1" * 5000)
