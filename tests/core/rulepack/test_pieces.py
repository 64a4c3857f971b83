import math

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch_core.rulepack.parsing import Run
from midwatch_core.rulepack.pieces import RUNS, pieces_of


@pytest.mark.parametrize(
    ("pattern", "anchor", "lead"),
    [
        (r"(?i)ignore.{0,60}rules", "(?i)ignore", 0),
        (r"(?i)\b(a|b)c+ (?:x (?:\w+\s+){0,5})?rules", r"(?i)\b(a|b)(?:c{1,13} |c{14})", 0),
        (r"ab{2,3}?[^x]+y", "ab{2,3}?", 0),
        (r"(?i:abc|b)c", "(?i:abc|b)c", 0),
        (r"rm\s+-rf", r"rm(?:\s{1,5}-rf|\s{6})", 0),
        (r"a.{0,60}b|c", "a|c", 0),
        (r"(?:ab.{0,60}b|c)", "ab|c", 0),
        (r"[a-z]{1,20}@.{0,60}secret", "secret", 321),
        (r"[a-z]{1,20}@.{0,60}[0-9]", "[a-z]{1,20}@", 0),
        (r".{0,60}secret", "secret", 240),
        (r".{0,60}b", "", 0),
        (r".*secret", "", 0),
        (r"\Qa(\E.{0,60}b", "", 0),
        (r"(?i)a(?s).{0,60}b", "", 0),
    ],
)
def test_a_set_takes_a_short_piece_without_gaps(pattern: str, anchor: str, lead: int) -> None:
    pieces = pieces_of(pattern)
    assert (pieces.anchor, pieces.lead) == (anchor, lead)


@pytest.mark.parametrize(
    ("pattern", "reach"),
    [
        ("abc", 3),
        ("(?i)ask", 9),
        (r"a.{0,60}b", 242),
        (r"a\s+b", 1 + 4 + RUNS[Run.SPACE] + 1),
        (r"a\w*b", 1 + RUNS[Run.SOLID] + 1),
        (r"a[^\s.]*b", 1 + RUNS[Run.SOLID] + 1),
        (r"a[\s,]+b", math.inf),
        (r"a.*b", math.inf),
        (r"(?:a b)+", math.inf),
        (r"(?:ab|c){0,4}x", 9),
        (r"\bab$", 2),
    ],
)
def test_how_long_a_match_can_be(pattern: str, reach: float) -> None:
    assert pieces_of(pattern).reach == reach


ATOMS = st.sampled_from(
    ["a", "b", " ", r"\s", r"\w", ".", "[^x]", "[ab ]", r"\b", "é", "[a-é]", r"\x41", r"\pL", "[^\\s]"]
)
TIMES = st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{0,3}", "{1,12}", "{2,}", "+?", "{0,30}?"])


def _repeated(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.tuples(inner, TIMES).map("".join)
    branch = st.lists(items, min_size=1, max_size=4).map("".join)
    return st.lists(branch, min_size=1, max_size=3).map(lambda branches: f"(?:{'|'.join(branches)})")


PATTERNS = st.recursive(ATOMS, _repeated, max_leaves=12).map(lambda made: f"(?i){made}")


@settings(max_examples=400, deadline=None)
@given(PATTERNS, st.text(alphabet="aAbB xé1\n", max_size=60))
def test_each_match_has_its_anchor_and_is_no_longer_than_said(pattern: str, text: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled, data = re2.compile(pattern, options), text.encode()
    except re2.error:  # repeats of repeats of repeats
        return
    pieces = pieces_of(pattern)
    for found in compiled.finditer(data):
        start, end = found.span()
        assert end - start <= pieces.reach
        if pieces.anchor:
            anchors = [one.start() for one in re2.compile(pieces.anchor).finditer(data, max(0, start))]
            assert any(start <= at <= start + pieces.lead for at in anchors)
