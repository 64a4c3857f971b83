"""Where texts are cut: nothing is lost, nothing is too long, and code of small letters is left out."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch_pii.ner.stretches import LONGEST, chosen, readable, stretches


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in stretches(text)]


def test_a_paragraph_is_a_stretch() -> None:
    assert cut("Dear Jane,\nhow are you?\n\nYours, Tom") == ["Dear Jane,\nhow are you?\n\n", "Yours, Tom"]


def test_a_long_paragraph_is_cut_at_lines_and_sentences() -> None:
    sentence = "Jane met Tom at the station. "
    pieces = cut(sentence * 40)
    assert "".join(pieces) == sentence * 40
    assert all(piece.endswith(". ") and len(piece) <= LONGEST for piece in pieces)


def test_what_has_no_end_is_cut_into_windows_that_overlap_at_a_blank() -> None:
    text = "Jane " * 300
    spans = stretches(text)
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    for (_, end), (start, _) in pairwise(spans):
        assert start < end
        assert text[start - 1] == " "


@pytest.mark.parametrize("text", ["x = foo(bar)\n", "{1: 2}", "12 + 30", "\n\n  \n\n", ""])
def test_where_no_name_can_be_nothing_is_read(text: str) -> None:
    assert stretches(text) == []


@pytest.mark.parametrize("text", ["jane roe lives here", "x = 'Jane'", "name: 山田", "né(e) à Évry"])
def test_where_one_might_be_all_is_read(text: str) -> None:
    assert stretches(text) == [(0, len(text))]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (r"to \"Jane\"", ' "Jane "'),
        (r"Jane\nRoe", "Jane \nRoe"),
        (r"C:\temp\Jane", None),
        ("Jane \ud800 Roe", "Jane ? Roe"),
    ],
)
def test_escapes_are_read_as_what_they_stand_for(text: str, same: str | None) -> None:
    assert len(readable(text)) == len(text)
    assert same is None or same in readable(text)


def test_of_too_many_stretches_the_first_the_last_and_some_between_are_read() -> None:
    spans = [(at, at + 1) for at in range(100)]
    assert chosen(spans, 100) == spans
    assert chosen(spans, 5) == [(0, 1), (25, 26), (50, 51), (74, 75), (99, 100)]
    assert chosen(spans, 1) == [(0, 1)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["Jane ", "x", "\n", "\n\n", ". ", "\\n", "é", "\ud83d", "(", '."', "\t", "Jane" * 150]))
)
def test_any_text_is_read_whole_in_stretches_that_fit(pieces: list[str]) -> None:
    text = readable("".join(pieces))
    spans = stretches(text)
    assert all(0 <= start < end <= len(text) and end - start <= LONGEST for start, end in spans)
    assert spans == sorted(spans)
    read = {at for start, end in spans for at in range(start, end)}
    assert all(at in read for at, char in enumerate(text) if char.isupper())
