"""Visible text: nothing that a stranger writes hides, drives a terminal, or looks like a line of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.viewer.visible import visible_line, visible_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße, 世界 👋\n\tend", "Grüße, 世界 👋\n\tend"),
        ("\x1b[31mred\x07", "␛[31mred␇"),
        ("a\r\nb\x7f", "a␍\nb␡"),
        ("\u202etxt.exe\u200b", "‹U+202E›txt.exe‹U+200B›"),
        ("\U000e0048\U000e0069", "‹U+E0048›‹U+E0069›"),
        ("non\u00a0breaking", "non\u00a0breaking"),
        ("\x85\u2028", "‹U+0085›‹U+2028›"),
        ("\ud800", "‹U+D800›"),
    ],
    ids=["plain", "terminal", "returns", "bidi", "smuggled", "blank", "separators", "surrogate"],
)
def test_what_is_unseen_is_spelled_out(text: str, shown: str) -> None:
    assert visible_text(text) == shown


@given(st.text(st.characters()))
def test_nothing_unprintable_is_left_but_lines_tabs_and_blanks(text: str) -> None:
    left = {character for character in visible_text(text) if not character.isprintable()}
    assert all(character in "\n\t" or character.isspace() for character in left)
    assert "\n" not in visible_line(text)


def test_a_heading_is_one_line_and_not_long() -> None:
    assert visible_line("one\ntwo\tthree") == "one␊two␉three"
    assert len(visible_line("x" * 1000)) == 201
