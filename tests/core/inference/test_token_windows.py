"""Windows over long texts: all of it is read, or it is said how much is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import Windows, windows_of


@pytest.mark.parametrize(
    ("tokens", "most", "windows"),
    [
        pytest.param(0, 8, Windows(spans=()), id="nothing to read"),
        pytest.param(1, 8, Windows(spans=((0, 1),)), id="one token"),
        pytest.param(256, 8, Windows(spans=((0, 256),)), id="one window"),
        pytest.param(257, 8, Windows(spans=((0, 256), (1, 257))), id="one token more"),
        pytest.param(640, 8, Windows(spans=((0, 256), (192, 448), (384, 640))), id="three that fit"),
        pytest.param(1_000, 1, Windows(spans=((0, 256),), skipped=744), id="the head alone"),
        pytest.param(10_000, 2, Windows(spans=((0, 256), (9_744, 10_000)), skipped=9_488), id="head and tail"),
        pytest.param(
            10_000, 3, Windows(spans=((0, 256), (4_872, 5_128), (9_744, 10_000)), skipped=9_232), id="and the middle"
        ),
    ],
)
def test_which_windows(tokens: int, most: int, windows: Windows) -> None:
    assert windows_of(tokens, 256, 192, most) == windows


@given(st.integers(0, 3_000), st.integers(1, 300), st.integers(1, 300), st.integers(1, 12))
def test_what_is_not_covered_is_counted(tokens: int, size: int, stride: int, most: int) -> None:
    stride = min(stride, size)
    windows = windows_of(tokens, size, stride, most)
    covered = {token for start, end in windows.spans for token in range(start, end)}
    assert len(covered) + windows.skipped == tokens
    assert covered <= set(range(tokens))
    assert len(windows.spans) <= most
    assert list(windows.spans) == sorted(set(windows.spans))
    assert all(end - start == min(size, tokens) for start, end in windows.spans)
    if most > 1 and tokens:
        assert {0, tokens - 1} <= covered
    if windows.skipped:
        assert len(windows.spans) == most


@pytest.mark.parametrize(("size", "stride", "most"), [(0, 1, 1), (10, 0, 1), (10, 11, 1), (10, 10, 0)])
def test_windows_that_make_no_sense(size: int, stride: int, most: int) -> None:
    with pytest.raises(ValueError, match="windows of"):
        windows_of(100, size, stride, most)
