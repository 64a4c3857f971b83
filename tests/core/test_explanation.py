"""Explanations: who said what is read out of a message; any other message stays what it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.explanation import Explanation, Reason, explanation_of

SAID = (
    "prompt injection, 0.97: rules +2.1 (ignore-previous 0.80, role-play 0.40), defender/main +3.0 (0.99), "
    "trigger words only -0.4"
)


def written(explained: Explanation) -> str:
    reasons = [
        f"{item.voter} {item.weight:+.1f}" + (f" ({item.detail})" if item.detail else "") for item in explained.reasons
    ]
    return f"{explained.summary}: {', '.join(reasons)}"


def test_a_message_that_gives_reasons_is_taken_apart() -> None:
    assert explanation_of(SAID) == Explanation(
        summary="prompt injection, 0.97",
        reasons=[
            Reason(voter="rules", weight=2.1, detail="ignore-previous 0.80, role-play 0.40"),
            Reason(voter="defender/main", weight=3.0, detail="0.99"),
            Reason(voter="trigger words only", weight=-0.4),
        ],
    )


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Asks the model to drop its instructions",
        "a key: of some service",
        "prompt injection, 0.97: ",
        "x: rules +2.1 and then",
        "x: rules 2.1 (a)",
        "x: rules +2.1 (a",
        ": ",
        "…",
        "x: …",
    ],
)
def test_any_other_message_is_the_summary(message: str) -> None:
    assert explanation_of(message) == Explanation(summary=message)


def test_reasons_that_were_cut_are_told_as_far_as_they_go() -> None:
    explained = explanation_of("x: rules +2.1 (a), defender/ma…")
    assert (explained.reasons, explained.cut) == ([Reason(voter="rules", weight=2.1, detail="a")], True)
    assert explanation_of(SAID).cut is False


def test_a_colon_in_the_summary_is_no_reason() -> None:
    explained = explanation_of("a: b: rules +2.0")
    assert (explained.summary, len(explained.reasons)) == ("a: b", 1)


def test_a_title_is_short_whatever_the_summary_is() -> None:
    assert explanation_of(SAID).title == "prompt injection, 0.97"
    assert explanation_of("word " * 400).title == ("word " * 32).strip()[:159].rstrip() + "…"
    assert len(explanation_of("x" * 2000).title) == 160


NAMES = st.from_regex(r"[a-z][a-z/ -]{0,20}[a-z]", fullmatch=True)
REASONS = st.builds(
    Reason,
    voter=NAMES,
    weight=st.integers(-999, 999).map(lambda tenths: tenths / 10),
    detail=st.from_regex(r"[a-z0-9., -]{0,30}", fullmatch=True),
)


@given(NAMES, st.lists(REASONS, min_size=1, max_size=8))
def test_what_was_written_is_read_again(summary: str, reasons: list[Reason]) -> None:
    explained = Explanation(summary=summary, reasons=reasons)
    assert explanation_of(written(explained)) == explained


@given(st.text(st.sampled_from("ab :,+-1.()…"), max_size=200))
def test_nothing_that_a_plugin_writes_is_lost_or_raises(message: str) -> None:
    explained = explanation_of(message)
    assert message.startswith(explained.summary)
    assert explained.reasons or explained.summary == message
