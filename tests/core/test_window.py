"""The window: any split gives the same slices, what fits the overlap is seen once and whole, and memory is bounded."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.detection import Detection
from midwatch_core.model.finding import Severity
from midwatch_core.window import Window, WindowSlice

pieces = st.lists(st.text("ab1 é\U0001f600", max_size=9), max_size=20)


def detect(text: str, pattern: str) -> list[Detection]:
    return [
        Detection(
            rule="t/r",
            category="pii",
            severity=Severity.LOW,
            confidence=1.0,
            message="m",
            start=item.start(),
            end=item.end(),
        )
        for item in re.finditer(pattern, text)
    ]


def slices_of(deltas: list[str], overlap: int, step: int) -> list[WindowSlice]:
    window = Window(overlap=overlap, step=step)
    return [part for delta in deltas for part in window.feed(delta)] + window.flush()


@given(pieces, st.integers(0, 12), st.integers(1, 12))
def test_any_split_gives_the_same_slices_and_all_text_once(deltas: list[str], overlap: int, step: int) -> None:
    whole = "".join(deltas)
    slices = slices_of(deltas, overlap, step)
    assert slices == slices_of([whole], overlap, step)
    assert "".join(part.text[part.fresh :] for part in slices) == whole
    for part in slices:
        assert whole[part.offset : part.offset + len(part.text)] == part.text
        assert len(part.text) <= overlap + step


@given(pieces, st.integers(4, 12), st.integers(1, 12))
def test_what_fits_the_overlap_is_found_once_at_its_place(deltas: list[str], overlap: int, step: int) -> None:
    whole = "".join(deltas)
    window = Window(overlap=overlap, step=step)
    parts = [part for delta in deltas for part in window.feed(delta)] + window.flush()
    found = [
        (item.start, item.end) for part in parts for item in window.found(part, detect(part.text, "(?=(a1))..|b1{2}"))
    ]
    expected = {(item.start, item.end) for item in detect(whole, "(?=(a1))..|b1{2}")}
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_a_detection_made_by_the_cut_is_none() -> None:
    window = Window(overlap=4, step=8)
    text = "abcd4111" + "11 xyz.."
    found = [item for part in window.feed(text) for item in window.found(part, detect(part.text, r"\b\d+\b"))]
    assert found == []


def test_deltas_of_one_character_do_not_pile_up() -> None:
    window = Window(overlap=8, step=4)
    longest = max(len(part.text) for _ in range(1000) for part in window.feed("x"))
    assert longest == 12


@pytest.mark.parametrize(("overlap", "step"), [(-1, 1), (0, 0)])
def test_a_window_without_size_is_refused(overlap: int, step: int) -> None:
    with pytest.raises(ValueError, match="window needs"):
        Window(overlap=overlap, step=step)


def test_nothing_is_flushed_where_nothing_waits() -> None:
    window = Window(overlap=2, step=2)
    assert window.flush() == []
    assert [part.text for part in window.feed("ab")] == ["ab"]
    assert window.flush() == []
