"""JSON Lines in memory: every line in its place, and what is no JSON is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import Json
from midwatch_core.wire import jsonlines
from midwatch_core.wire.jsonlines import are_lines, read_lines


@pytest.mark.parametrize(
    ("data", "documents", "problem"),
    [
        (b'{"a":1}\n{"b":2}\n', [{"a": 1}, {"b": 2}], None),
        (b'{"a":1}\r\n\r\n{"b":2}', [{"a": 1}, None, {"b": 2}], None),
        (b'{"a":1}\n\n\n', [{"a": 1}], None),
        (b"", [], None),
        (b'{"a":1}\nno\n{"b":2}\n', [{"a": 1}, None, {"b": 2}], "line 2: not JSON"),
        (b'{"a":1}\n{"b": "half', [{"a": 1}, {"b": "half"}], "line 2: not JSON"),
    ],
)
def test_each_line_is_a_document(data: bytes, documents: list[Json], problem: str | None) -> None:
    found, said = read_lines(data)
    assert found == documents
    assert said is None if problem is None else (said or "").startswith(problem)


def test_more_lines_than_a_batch_has_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonlines, "MAX_LINES", 2)
    assert read_lines(b"1\n2\n3\n4") == ([1, 2], "more than 2 lines")


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b'{"a":1}\n{"b":2}', True),
        (b'{"a":1}\nnonsense', True),
        (b'{"a":1}\n', False),
        (b'{\n "a": 1\n}', False),
        (b"[1]\n[2]", False),
        (b"Log:\nall quiet", False),
        (b"", False),
    ],
)
def test_lines_are_told_from_one_document(data: bytes, lines: bool) -> None:
    assert are_lines(data) is lines


@given(st.binary(max_size=60))
def test_any_bytes_are_borne(data: bytes) -> None:
    documents, _ = read_lines(data)
    assert len(documents) <= data.count(b"\n") + 1
    are_lines(data)
