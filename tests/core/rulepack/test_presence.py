"""Patterns looked for together, in blocks, are those that match anywhere."""

import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch_core.rulepack import Presence

PATTERNS = [
    r"\b[0-9]{4}\b",
    r"alpha.{0,200}beta",
    r"(?:[a-z]+\.)+com\b",
    r"\bmac-[0-9a-f]{2,}",
    "é{3}",
    "^start",
    "end$",
]
PIECES = [*("1234", " 5678 ", "alpha", "beta", "x " * 80, "a.b.com ", "mac-0f", "é", "éé "), "start", "end", "y" * 700]
PRESENCE = Presence(PATTERNS)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_what_matches_is_present(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = PRESENCE.present(text.encode())
    assert found is not None
    assert found >= {n for n, one in enumerate(PATTERNS) if re2.search(one, text)}


def test_patterns_without_an_end_are_found_across_blocks() -> None:
    text = "a." * 100 + " " + "xy." * 60 + "com " + "word " * 3_000
    assert PRESENCE.present(text.encode()) == {2}
