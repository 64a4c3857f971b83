"""Fragments: whatever the spans and the cut, each character is there once, under just its spans."""

import json

from hypothesis import given
from hypothesis import strategies as st

from midwatch_web.calls.fragments import Fragment, Span, mark, split
from midwatch_web.calls.jsonlayout import is_document, lay_out

texts = st.text(max_size=60)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


def spans_in(length: int) -> st.SearchStrategy[list[Span]]:
    pairs = st.tuples(st.integers(0, max(0, length - 1)), st.integers(1, 20))
    return st.lists(pairs, max_size=6).map(
        lambda found: [
            Span(number=number, start=start, end=min(start + size, length))
            for number, (start, size) in enumerate(found)
            if start < min(start + size, length)
        ]
    )


@given(data=st.data(), text=texts)
def test_every_character_is_under_just_its_spans(data: st.DataObject, text: str) -> None:
    spans = data.draw(spans_in(len(text)))
    pieces = list(mark([Fragment(text=text, start=0)], spans))
    assert "".join(piece.text for piece in pieces) == text
    for piece in pieces:
        assert piece.start is not None
        for offset in range(piece.start, piece.start + len(piece.text)):
            covering = tuple(span.number for span in spans if span.start <= offset < span.end)
            assert piece.marks == covering
    begun = [number for piece in pieces for number in piece.begins]
    assert sorted(begun) == [span.number for span in spans]


@given(data=st.data(), value=values, indent=st.sampled_from([None, 3]))
def test_laid_out_json_keeps_its_characters_and_their_offsets(data: st.DataObject, value: object, indent: int) -> None:
    text = json.dumps([value], ensure_ascii=False, indent=indent)
    assert is_document(text)
    pieces = list(mark(lay_out(text), data.draw(spans_in(len(text)))))
    shown = "".join(piece.text for piece in pieces)
    assert json.loads(shown) == json.loads(text)
    assert shown == json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    for piece in pieces:
        if piece.start is not None:
            assert text[piece.start : piece.start + len(piece.text)] == piece.text


@given(data=st.data(), text=texts, at=st.integers(0, 70))
def test_a_cut_loses_nothing(data: st.DataObject, text: str, at: int) -> None:
    pieces = list(mark([Fragment(text=text, start=0)], data.draw(spans_in(len(text)))))
    head, rest = split(pieces, at)
    assert "".join(piece.text for piece in head) == text[:at]
    assert "".join(piece.text for piece in rest) == text[at:]
    assert [piece.begins for piece in [*head, *rest] if piece.begins] == [p.begins for p in pieces if p.begins]


def test_what_is_no_document_is_left_as_it_is() -> None:
    assert not any(
        map(is_document, ["", "{", "12", '"text"', "[1,]", "Hello {}", "[" * 100_000, "[" + " " * 200_000 + "]"])
    )
