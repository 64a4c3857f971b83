"""Weighing: agreement raises, a word alone is lowered, nothing is lost, whoever votes or does not."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import Direction, Finding, Part, Segment, Severity, TextVote, Weighed
from midwatch_core.explanation import explanation_of
from midwatch_ensemble.fusion import OperatingPoint
from midwatch_ensemble.lexicon import Lexicon, Reading
from midwatch_ensemble.weighing import Scale, weighed
from tests.plugins.ensemble.evidence_made import CALIBRATION, PLACE, finding, texts, vote

_USER = frozenset({Part.USER})


def weigh(
    findings: list[Finding],
    votes: list[TextVote],
    *,
    words: float = 0.0,
    point: OperatingPoint = OperatingPoint.BALANCED,
    threshold: float | None = None,
    part: Part = Part.USER,
) -> Weighed:
    scale = Scale(calibration=CALIBRATION, point=point, threshold=threshold)
    reading = Reading(score=words, words=("your rules",) if words > 0 else ())
    return weighed(findings, votes, texts(part=part), scale=scale, parts=_USER, read=lambda _: reading)


def test_what_detectors_and_models_agree_on_is_surer_than_each_alone() -> None:
    alone = weigh([finding(confidence=0.8)], [])
    agreed = weigh([finding(confidence=0.8)], [vote("defender/main", 0.99)], words=2.0)

    assert 0.5 < alone.score < agreed.score
    assert agreed.confidences["id of pack/ignore-previous"] == pytest.approx(agreed.score, abs=1e-3)


def test_a_trigger_word_that_nothing_else_speaks_for_is_lowered_below_the_threshold() -> None:
    seen = weigh([finding(confidence=0.55)], [vote("defender/main", 0.02)], words=-2.0)

    assert seen.score < 0.5
    assert seen.confidences["id of pack/ignore-previous"] < 0.5
    assert seen.findings == ()


def test_what_a_detector_is_sure_of_is_not_overruled_but_at_the_most_cautious_point() -> None:
    against = [vote("defender/main", 0.01)]
    held = {point: weigh([finding(confidence=0.75)], against, words=-4.0, point=point) for point in OperatingPoint}

    assert held[OperatingPoint.BALANCED].score == held[OperatingPoint.HIGH_RECALL].score == 0.5
    assert "sure-rules +" in held[OperatingPoint.BALANCED].findings[0].message
    assert held[OperatingPoint.HIGH_PRECISION].score < 0.5


def test_a_model_that_is_alone_in_its_alarm_is_lowered_too() -> None:
    seen = weigh([finding("ml/defender", 0.96, plugin="ml")], [vote("defender/main", 0.96)], words=-3.0)

    assert seen.score < 0.5
    assert seen.confidences["id of ml/defender"] == pytest.approx(seen.score, abs=1e-3)


def test_the_finding_says_who_gave_what_and_the_weights_add_up_to_the_score() -> None:
    seen = weigh([finding(confidence=0.8), finding("pack/persona", 0.6)], [vote("defender/main", 0.99)], words=2.0)

    (own,) = seen.findings
    said = explanation_of(own.message)
    assert own.rule == "ensemble/prompt-injection"
    assert (own.category, own.owasp, own.kind) == ("prompt_injection", ("LLM01:2025",), "")
    assert (own.part, own.path, own.start, own.end) == (Part.USER, PLACE[1], 3, 9)
    assert own.severity is Severity.HIGH
    reasons = {reason.voter: reason for reason in said.reasons}
    assert set(reasons) == {"rules", "lexicon", "defender/main", "calibration"}
    assert reasons["rules"].detail == "ignore-previous 0.80, persona 0.60"
    assert reasons["lexicon"].detail == "your rules"
    odds = sum(reason.weight for reason in said.reasons)
    assert odds == pytest.approx(math.log(own.confidence / (1 - own.confidence)), abs=0.3)


def test_the_operating_points_differ_in_what_they_let_pass() -> None:
    scores = [weigh([finding(confidence=0.5)], [], point=point).score for point in OperatingPoint]

    assert scores == sorted(scores, reverse=True)
    assert scores[0] >= 0.5 > scores[-1]


def test_a_threshold_of_ones_own_is_where_the_score_is_a_half() -> None:
    odds = -1.2 + 1.6

    assert weigh([finding(confidence=0.8)], [], threshold=odds).score == pytest.approx(0.5)


def test_a_model_that_no_weights_were_fitted_for_counts_with_half_of_what_it_declares() -> None:
    without = weigh([finding(confidence=0.5)], []).score
    with_a_stranger = weigh([finding(confidence=0.5)], [vote("stranger", 0.9)]).score

    gained = math.log(with_a_stranger / (1 - with_a_stranger)) - math.log(without / (1 - without))
    assert gained == pytest.approx(0.5 * math.log(0.9 / 0.1))


def test_findings_in_parts_that_are_not_weighed_keep_their_confidence_and_count() -> None:
    seen = weigh([finding(confidence=0.7)], [], part=Part.SYSTEM)

    assert seen == Weighed(score=0.7)


def test_findings_about_the_call_as_a_whole_count_too() -> None:
    assert weigh([finding(confidence=0.9, path=None)], []).score == 0.9


def test_findings_of_other_categories_are_left_alone() -> None:
    seen = weigh([finding(confidence=0.99, category="pii")], [])

    assert seen.confidences == {}
    assert seen.score < 0.5


def test_weighing_what_was_weighed_before_changes_nothing() -> None:
    first = weigh([finding(confidence=0.8)], [vote("defender/main", 0.9)])
    again = weigh([finding(confidence=0.8), *first.findings], [vote("defender/main", 0.9)])

    assert again.score == first.score
    assert len(again.findings) == 1


_SHARES = st.floats(min_value=0, max_value=1)


@given(
    confidences=st.lists(_SHARES, max_size=4),
    votes=st.lists(st.tuples(st.sampled_from(["defender/main", "a, b: (c)", "x/y"]), _SHARES), max_size=4),
    words=st.floats(min_value=-8, max_value=8),
    point=st.sampled_from(OperatingPoint),
)
def test_any_evidence_gives_shares_and_an_explanation_that_can_be_taken_apart(
    confidences: list[float], votes: list[tuple[str, float]], words: float, point: OperatingPoint
) -> None:
    findings = [finding(f"pack/r{at}", confidence) for at, confidence in enumerate(confidences)]
    seen = weigh(findings, [vote(*one) for one in votes], words=words, point=point)

    assert 0 <= seen.score <= 1
    assert all(0 <= confidence <= 1 for confidence in seen.confidences.values())
    assert bool(seen.findings) == (seen.score >= 0.5)
    for own in seen.findings:
        assert explanation_of(own.message).reasons


@given(main=_SHARES, more=_SHARES)
def test_a_model_that_is_surer_never_lowers_the_score(main: float, more: float) -> None:
    low, high = sorted((main, more))

    assert weigh([], [vote("defender/main", low)]).score <= weigh([], [vote("defender/main", high)]).score + 1e-12


def test_a_text_is_read_by_its_words_without_case_width_or_digits() -> None:
    lexicon = Lexicon({"ignore": 2.0, "ignore your": 1.0, "room 0": -1.0}, 0.25)

    assert lexicon.read("IGNORE").score == lexicon.read("\uff29gnore").score == 2.25
    assert lexicon.read("room 101").score == lexicon.read("Room 7").score
    assert lexicon.read("nothing known").score == 0.25
    assert lexicon.read("please ignore your room").words == ("ignore",)


@given(text=st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    lexicon = Lexicon({"a": 1.0, "a b": -1.0}, 0.0)

    assert math.isfinite(lexicon.read(text).score)


def test_texts_are_weighed_each_for_itself_and_the_highest_counts() -> None:
    other = (Direction.REQUEST, "/messages/1/content")
    both = {**texts(), other: Segment(part=Part.USER, path=other[1], text="other")}
    seen = weighed(
        [finding(confidence=0.9, path=other[1])],
        [vote("defender/main", 0.9)],
        both,
        scale=Scale(calibration=CALIBRATION),
        parts=_USER,
        read=lambda _: Reading(score=0.0),
    )

    assert [one.path for one in seen.findings] == [PLACE[1], other[1]]
    assert seen.score == max(one.confidence for one in seen.findings) or seen.score > 0.5
