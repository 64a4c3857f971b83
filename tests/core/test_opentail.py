"""The open tail: prose waits for its last word alone, a value waits as long as it could grow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.opentail import open_tail


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("", ""),
        ("The answer is ", ""),
        ("The answer is forty", "forty"),
        ("Write to bob@exam", "bob@exam"),
        ("Pay with 4111 1111 ", "4111 1111 "),
        ("Pay with 4111 1111 1111 11", "4111 1111 1111 11"),
        ("Call +44 (0)20 7946 ", "+44 (0)20 7946 "),
        ("IBAN DE89 3704 0044 ", "DE89 3704 0044 "),
        ("in 2026 we ", ""),
        ("Born in 1971 ", "1971 "),
        ("(4111-1111-", "(4111-1111-"),
        ('"password": "', '"password": "'),
        ("token = ", "token = "),
        ("-----BEGIN PRIVATE KEY-----\nabc\n", "-----BEGIN PRIVATE KEY-----\nabc\n"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\nand ", ""),
    ],
)
def test_what_is_held(text: str, held: str) -> None:
    assert text[open_tail(text) :] == held


@given(st.text("ab1 @.-\n:", max_size=60))
def test_a_run_at_the_end_is_always_held(text: str) -> None:
    last = text.split(" ")[-1].split("\n")[-1]
    assert len(text) - open_tail(text) >= len(last)


def test_what_is_held_is_bounded() -> None:
    assert len("x" * 100_000) - open_tail("x" * 100_000) <= 4096
    endless = "-----BEGIN PRIVATE KEY-----\n" + "abc\n" * 50_000
    assert len(endless) - open_tail(endless) <= 16 * 1024
