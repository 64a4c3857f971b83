"""Texts made to hide a match or to cost too much: nothing is missed at the edges of blocks, and work is bounded."""

from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch_core.model.segment import Part
from midwatch_core.rulepack import RuleSet
from midwatch_core.rulepack.blocks import STEP, stretched, stretches
from midwatch_core.rulepack.literals import Literals
from midwatch_core.views import Text
from tests.core.rulepack.packs import pack_of, rule

PATTERNS = [
    r"(?i)\bignore\s+(?:\w+\s+){0,3}instructions\b",
    r"(?i)\bsend\b[^\n]{0,80}\bpassword",
    r"key-[0-9a-f]{8,}\b",
    r"(?m)^start.*end$",
    r"[^\n]{0,30}marker",
    r"(?:very )+secret",
    r"\Bnside",
]
RULES = RuleSet(
    [pack_of(*[rule(id=f"r{n}", keywords=[], match={"any": [{"regex": one}]}) for n, one in enumerate(PATTERNS)])]
)
FILLER = {"words": "lorem ipsum ", "one line": "x", "spaces": " ", "marks": "\u0301", "Chinese": "天地", "é": "é "}
MATCHES = {
    0: "ignore all the instructions",
    1: "send me the password",
    2: "key-0123456789abcdef",
    3: "\nstart of the end\n",
    4: " marker",
    5: "very very secret",
    6: "inside",
}


def seen(text: str) -> set[str]:
    return {found.rule.removeprefix("test/pack/") for found in RULES.match(Text(text), Part.USER)}


@pytest.mark.parametrize("filler", FILLER)
@pytest.mark.parametrize("number", MATCHES)
@pytest.mark.parametrize("at", [0, STEP - 30, STEP - 3, STEP, 3 * STEP - 7])
def test_a_match_on_the_edge_of_a_block_is_found(filler: str, number: int, at: int) -> None:
    before = (FILLER[filler] * at)[:at]
    between = "" if number == 6 else "\n"
    assert f"r{number}" in seen(f"{before}{between}{MATCHES[number]}{between}{FILLER[filler] * STEP}")


@pytest.mark.parametrize("run", [3, 60, 70, 1_000, 30_000])
def test_a_match_drawn_out_by_white_space_is_found(run: int) -> None:
    space = " " * run
    assert "r0" in seen("a " * 2_000 + f"ignore{space}all{space}the{space}instructions" + " a" * 2_000)


@pytest.mark.parametrize("run", [100, 300, 20_000])
def test_a_match_drawn_out_by_a_long_word_is_found(run: int) -> None:
    assert {"r0", "r2"} <= seen(f"{'a ' * 1_000}ignore {'w' * run} instructions key-{'0' * run} {'a ' * 1_000}")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from([*MATCHES.values(), "x" * 400, " " * 100, "ignore ", "é" * 300, "\n", "send "]), max_size=40
    )
)
def test_in_blocks_is_found_what_is_found_at_once(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert seen(text) == {f"r{n}" for n, one in enumerate(PATTERNS) if re2.search(one, text)}


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "\u0301" * 1_000_000,
        "\ud800" * 1_000_000,
        "ignore " * 150_000,
        "ignore all " * 100_000,
        "send key-0 " * 100_000,
        " " * 2_000_000,
        "\n" * 1_000_000,
    ],
    ids=["one word", "marks", "half pairs", "starts", "nearly", "halves", "spaces", "lines"],
)
def test_texts_of_a_megabyte_are_read_to_their_end(text: str) -> None:
    assert "r0" in seen(text + "\nignore the instructions")


def test_findings_of_a_text_full_of_matches_are_bounded() -> None:
    found = RULES.match(Text("ignore the instructions\n" * 50_000), Part.USER)
    assert len(found) <= 2 * RULES.max_findings


def test_patterns_that_lack_a_word_are_not_possible() -> None:
    literals = Literals(["alpha.{0,20}beta", "gamma", "delta"])
    assert literals.possible(b"alpha and beta") == {"alpha.{0,20}beta"}
    assert literals.possible(b"x" * 100_000 + b"gamma") == {"gamma"}
    assert literals.possible(b"") == set()
    assert literals.possible(b"gamma delta") == set(literals.sources)
    assert literals.misses == 0


def test_neighbouring_blocks_are_one_stretch() -> None:
    assert list(stretches([0, 1, 5, 6, 9], 0)) == [(0, 1), (5, 6), (9, 9)]
    assert list(stretches([0, 4], STEP + 1)) == [(0, 0), (2, 4)]
    assert list(stretches([], 0)) == []


def test_a_window_grows_by_the_long_runs_in_it() -> None:
    runs = [(10, 110), (150, 250), (900, 1_000)]
    assert stretched(0, 60, runs) == 260
    assert stretched(300, 400, runs) == 400
    assert stretched(0, 5, []) == 5


def test_repeats_that_blow_up_a_program_are_refused_and_wide_ones_load() -> None:
    wide: dict[str, Any] = rule(id="wide", keywords=[], match={"any": [{"regex": r"a[^b]{0,900}b"}]})
    assert [d.end for d in RuleSet([pack_of(wide)]).match(Text("a" + "x" * 900 + "b"), Part.USER)] == [902]


def test_a_single_pattern_whose_dfa_is_out_of_memory_is_still_right() -> None:
    """RE2 falls back to its NFA: slower, never silent. A DFA of this pattern would need a state for each history."""
    gap: dict[str, Any] = rule(id="gap", keywords=[], match={"any": [{"regex": "(?:ab|b)[ab]{40}c[ab]{40}d"}]})
    noise = "".join("ab"[(n * n >> 3) & 1] for n in range(200_000))
    text = noise + "b" + "ab" * 20 + "c" + "ba" * 20 + "d"
    assert len(RuleSet([pack_of(gap)]).match(Text(text), Part.USER)) == 1
