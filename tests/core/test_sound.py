"""Answers of detectors: sound ones pass untouched, the rest is cut to what can be used, and named."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import Detection, Finding, Severity
from midwatch_core.sound import MAX_ITEMS, sound_detections, sound_findings

DETECTION = Detection(
    rule="a/b", category="c", severity=Severity.LOW, confidence=0.5, message="m", start=1, end=3, owasp=("LLM01:2025",)
)
FINDING = Finding(id="", rule="a/b", category="c", severity=Severity.LOW, confidence=1, message="m")


def test_what_is_sound_is_given_back_as_it_is() -> None:
    assert sound_detections(None, 5).items == []
    assert sound_detections([], 5).complaint is None
    sound = sound_detections((DETECTION, DETECTION), 3)
    assert sound.complaint is None
    assert all(item is DETECTION for item in sound.items)
    assert sound_findings([FINDING]).items == [FINDING]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rule": None}, "gave rule as NoneType"),
        ({"severity": "low"}, "gave severity as str"),
        ({"confidence": "high"}, "gave confidence as str"),
        ({"confidence": float("nan")}, "gave a confidence that is no number"),
        ({"start": 1.5}, "gave start as float"),
        ({"owasp": ["LLM01:2025"]}, "gave owasp as list"),
        ({"owasp": (1,)}, "gave owasp that are no names"),
    ],
)
def test_what_cannot_be_used_is_dropped(changes: dict[str, Any], says: str) -> None:
    sound = sound_detections([replace(DETECTION, **changes), DETECTION], 10)
    assert (sound.items, sound.complaint) == ([DETECTION], says)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"start": -4, "end": 99}, {"start": 0, "end": 5}),
        ({"start": 4, "end": 2}, {"start": 4, "end": 4}),
        ({"start": 10**40, "end": 10**41}, {"start": 5, "end": 5}),
        ({"confidence": 7}, {"confidence": 1.0}),
        ({"confidence": 10**400}, {"confidence": 1.0}),
        ({"confidence": float("-inf")}, {"confidence": 0.0}),
        ({"message": "x" * 10_000}, {"message": "x" * 2000}),
        ({"rule": "r" * 10_000}, {"rule": "r" * 200}),
        ({"owasp": ("o" * 999,) * 99}, {"owasp": ("o" * 200,) * 20}),
    ],
)
def test_what_is_too_much_is_cut(changes: dict[str, Any], kept: dict[str, Any]) -> None:
    sound = sound_detections([replace(DETECTION, **changes)], 5)
    assert sound.items == [replace(DETECTION, **kept)]
    assert sound.complaint == f"gave {next(iter(kept))} out of its bounds"


def test_many_are_cut_and_more_than_the_text_has_characters_are_nonsense() -> None:
    many = [DETECTION] * (MAX_ITEMS + 1)
    assert sound_detections(many, 5000).complaint is None
    assert len(sound_detections(many, 5000).items) == MAX_ITEMS
    assert sound_detections(many, 5).complaint == f"gave {MAX_ITEMS + 1} items"


async def _coroutine() -> list[Detection]:
    return []


@pytest.mark.parametrize(
    ("value", "kind"),
    [(42, "int"), ("text", "str"), ({}, "dict"), (iter(""), "str_ascii_iterator"), (DETECTION, "Detection")],
)
def test_what_is_no_list_is_named(value: object, kind: str) -> None:
    assert sound_detections(value, 5).complaint == f"gave {kind}, not a list of Detection"


def test_a_coroutine_is_closed(recwarn: pytest.WarningsRecorder) -> None:
    assert sound_detections(_coroutine(), 5).complaint == "gave coroutine, not a list of Detection"
    assert not recwarn.list


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"part": "user"}, "gave part as str"),
        ({"path": 1}, "gave path as int"),
        ({"direction": None}, "gave direction"),
    ],
)
def test_findings_have_more_that_can_be_wrong(changes: dict[str, Any], says: str) -> None:
    sound = sound_findings([replace(FINDING, **changes)])
    assert sound.items == []
    assert says in str(sound.complaint)
    placed = replace(FINDING, start=-1, end=10**20, evidence="e" * 9999)
    (kept,) = sound_findings([placed]).items
    assert (kept.start, kept.end, len(kept.evidence)) == (0, 2**31, 2000)


_ANYTHING = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(), st.sampled_from(list(Severity)), st.tuples(st.text())
)


@given(st.dictionaries(st.sampled_from(["rule", "severity", "confidence", "start", "end", "owasp", "kind"]), _ANYTHING))
def test_whatever_a_detection_says_what_is_kept_can_be_used(changes: dict[str, Any]) -> None:
    for item in sound_detections([replace(DETECTION, **changes)], 5).items:
        assert 0 <= item.start <= item.end <= 5
        assert 0 <= item.confidence <= 1
