"""Texts too long to be looked at in one go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import Detection, Engine, Part, Severity, Text, hookimpl
from midwatch_core import longtexts as room
from midwatch_core.hosting import Plugins
from midwatch_core.longtexts import stretches_of
from midwatch_core.model.finding import Finding


def _finding(start: int, end: int) -> Finding:
    return Finding(id="", rule="r", category="c", severity=Severity.LOW, confidence=1, message="", start=start, end=end)


@given(st.integers(0, 300), st.integers(20, 60), st.integers(2, 19), st.data())
def test_what_is_no_longer_than_half_the_overlap_is_reported_once(
    size: int, window: int, overlap: int, data: st.DataObject
) -> None:
    text = "x" * size
    start = data.draw(st.integers(0, size))
    end = data.draw(st.integers(start, min(size, start + overlap // 2)))
    seen: list[Finding] = []
    for stretch in stretches_of(text, window=window, overlap=overlap):
        here = (start - stretch.start, end - stretch.start)
        if here[0] >= 0 and here[1] <= len(stretch.text):
            seen += stretch.own([_finding(*here)])
    assert [(one.start, one.end) for one in seen] == [(start, end)]


@given(st.integers(0, 300), st.integers(20, 60), st.integers(2, 19))
def test_windows_cover_the_text_and_their_memory_is_bounded(size: int, window: int, overlap: int) -> None:
    text = "".join(chr(97 + n % 26) for n in range(size))
    covered = 0
    for stretch in stretches_of(text, window=window, overlap=overlap):
        assert stretch.start <= covered
        assert len(stretch.text) <= window
        assert stretch.text == text[stretch.start : stretch.start + window]
        covered = stretch.start + len(stretch.text)
    assert covered == size


class _Finder:
    """Finds each `needle`, and notes the longest text that it was given."""

    def __init__(self) -> None:
        self.longest = 0

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        self.longest = max(self.longest, len(text.original))
        places, at = [], text.original.find("needle")
        while at >= 0:
            places.append(at)
            at = text.original.find("needle", at + 1)
        return [
            Detection(
                rule="r",
                category="c",
                severity=Severity.LOW,
                confidence=1,
                message="",
                start=at,
                end=at + len("needle"),
            )
            for at in places
        ]


def test_the_engine_looks_at_a_long_text_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midwatch_core.engine.LONGEST", 3 * room.WINDOW // 2)
    text = ("x" * 999_994 + "needle") * 10
    finder = _Finder()
    plugins = Plugins()
    plugins.add("finder", lambda: finder)
    plugins.activate({})
    seen = Engine(plugins).scan(text)
    assert [(one.start, one.end) for one in seen.findings] == [(n * 10**6 - 6, n * 10**6) for n in range(1, 11)]
    assert finder.longest == room.WINDOW
