import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.errors import StorageError
from midwatch_core.text_search import text_finder

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, texts.filter(bool), texts)
def test_a_text_is_found_wherever_it_stands(before: str, wanted: str, after: str) -> None:
    assert text_finder(wanted)((before + wanted + after).encode())


@given(st.text(st.characters(max_codepoint=127), min_size=1), texts)
def test_ascii_is_found_whatever_its_case(wanted: str, around: str) -> None:
    for text in (wanted.upper(), wanted.lower(), wanted.swapcase()):
        assert text_finder(wanted)((around + text + around).encode())


@pytest.mark.parametrize(
    ("wanted", "text", "found"),
    [
        ("É", "café", True),
        ("straße", "STRASSE", True),
        ("cafe", "café", False),
        ("é", "e\u0301", False),
        ("a.c", "abc", False),
        ("ab", "a b", False),
        ("\0", "a\0b", True),
    ],
)
def test_what_is_found(wanted: str, text: str, found: bool) -> None:
    assert text_finder(wanted)(text.encode()) is found


@pytest.mark.parametrize("wanted", ["", "a\ud800"])
def test_what_can_be_in_no_text_is_refused(wanted: str) -> None:
    with pytest.raises(StorageError, match="a text to look for"):
        text_finder(wanted)
