"""Answers of a model's process: the likeliest window counts, and nonsense is no score."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_ml.asking.scored import Scored, read_answer


def test_the_likeliest_window_counts_with_what_its_other_heads_say() -> None:
    answer: Any = {"windows": [[0, 9, 0.2, 0.9], [5, 14, 0.7, 0.1], [10, 19, 0.5, 0.8]], "skipped": 0}
    assert read_answer(answer, 2) == Scored(shares=(0.7, 0.1), start=5, end=14, windows=3, whole=True)


def test_tokens_left_out_are_told() -> None:
    found = read_answer({"windows": [[0, 9, 1]], "skipped": 3}, 1)
    assert found is not None
    assert not found.whole


def test_a_text_without_a_token_has_no_score() -> None:
    assert read_answer({"windows": [], "skipped": 0}, 2) is None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param({"windows": [[0, 1, 0.5]]}, id="no count of what is left out"),
        pytest.param({"windows": [[0, 1]], "skipped": 0}, id="no probability"),
        pytest.param({"windows": [[0, 1, 0.5, 0.5]], "skipped": 0}, id="too many"),
        pytest.param({"windows": [[0, 1, 1.5]], "skipped": 0}, id="above one"),
        pytest.param({"windows": [[0, 1, float("nan")]], "skipped": 0}, id="no number"),
        pytest.param({"windows": [[2, 1, 0.5]], "skipped": 0}, id="backwards"),
        pytest.param({"windows": [["0", 1, 0.5]], "skipped": 0}, id="a word for a place"),
        pytest.param({"windows": "all", "skipped": 0}, id="a word for windows"),
    ],
)
def test_nonsense_is_no_score(answer: Any) -> None:
    with pytest.raises(ValueError, match=r"answer|probability"):
        read_answer(answer, 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON | st.fixed_dictionaries({"windows": JSON, "skipped": JSON}), st.integers(1, 3))
def test_whatever_comes_is_read_or_refused(answer: Any, heads: int) -> None:
    try:
        found = read_answer(answer, heads)
    except ValueError:
        return
    assert found is None or (len(found.shares) == heads and 0 <= found.injection <= 1)
