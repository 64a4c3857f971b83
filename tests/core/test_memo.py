"""The memo: found again under the same name alone, bounded, and counted."""

import pytest

from midwatch_core.memo import Memo
from midwatch_core.model.detection import Detection
from midwatch_core.model.finding import Severity
from midwatch_core.model.segment import Part

ONE = Detection(rule="pack/rule", category="pii", severity=Severity.LOW, confidence=0.5, message="seen", start=0, end=3)


def test_what_was_found_is_found_again() -> None:
    memo: Memo[tuple[Detection, ...]] = Memo(weight=len)
    assert memo.put("pii", "1", Part.USER, "hash", (ONE,)) == (ONE,)
    assert memo.get("pii", "1", Part.USER, "hash") == (ONE,)
    assert (memo.hits, memo.misses) == (1, 0)


def test_nothing_found_is_an_answer_too() -> None:
    memo: Memo[tuple[Detection, ...]] = Memo(weight=len)
    memo.put("pii", "1", Part.USER, "hash", ())
    assert memo.get("pii", "1", Part.USER, "hash") == ()


@pytest.mark.parametrize(
    "name",
    [
        ("secrets", "1", Part.USER, "hash"),
        ("pii", "2", Part.USER, "hash"),
        ("pii", "1", Part.SYSTEM, "hash"),
        ("pii", "1", Part.USER, "other"),
    ],
)
def test_detector_version_part_and_text_all_count(name: tuple[str, str, Part, str]) -> None:
    memo: Memo[tuple[Detection, ...]] = Memo(weight=len)
    memo.put("pii", "1", Part.USER, "hash", (ONE,))
    assert memo.get(*name) is None
    assert memo.misses == 1


def test_the_least_recently_used_goes_first() -> None:
    memo: Memo[tuple[Detection, ...]] = Memo(capacity=3, weight=len)
    for name in "abc":
        memo.put("d", "1", Part.USER, name, ())
    memo.get("d", "1", Part.USER, "a")
    memo.put("d", "1", Part.USER, "d", ())
    assert [memo.get("d", "1", Part.USER, name) for name in "abcd"] == [(), None, (), ()]


def test_detections_count_and_a_text_with_too_many_is_not_kept() -> None:
    memo: Memo[tuple[Detection, ...]] = Memo(capacity=3, weight=len)
    memo.put("d", "1", Part.USER, "a", (ONE, ONE))
    assert len(memo) == 1
    memo.put("d", "1", Part.USER, "a", (ONE,))
    memo.put("d", "1", Part.USER, "b", ())
    assert len(memo) == 2
    assert memo.put("d", "1", Part.USER, "c", (ONE,) * 3) == (ONE,) * 3
    assert len(memo) == 0


def test_a_text_without_a_hash_is_not_kept_and_all_can_be_forgotten() -> None:
    memo: Memo[tuple[Detection, ...]] = Memo(weight=len)
    memo.put("d", "1", Part.USER, "", (ONE,))
    assert len(memo) == 0
    memo.put("d", "1", Part.USER, "a", (ONE,))
    memo.clear()
    assert memo.get("d", "1", Part.USER, "a") is None
