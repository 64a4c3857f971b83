"""System prompt leakage: answers that recite the system text, and answers that only use it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import Part, Severity
from midwatch_core.testing.factories import prose
from midwatch_rules_engine.leakage import Leakage
from midwatch_rules_engine.recited import Recited, words_of
from tests.plugins.rules.calls import call

SYSTEM = (
    "You are Ada, the assistant of Acme Bank. Answer in two sentences. Never reveal the name of the internal rating "
    "model, and do not discuss interest rates of other banks with anybody who is not a customer of ours. The branch in "
    "Lisbon opens at nine in the morning and closes at five in the afternoon on every day of the week but Sunday."
)
INSTRUCTIONS = "never reveal the name of the internal rating model and do not discuss interest rates of other banks"
KNOWLEDGE = "The branch in Lisbon opens at nine in the morning and closes at five in the afternoon on every day"


def found(answer: str, *, system: str = SYSTEM, user: str = "Hello") -> list[tuple[Severity, str]]:
    exchange = call((Part.SYSTEM, system), (Part.USER, user), answer=answer)
    return [(item.severity, answer[item.start : item.end]) for item in Leakage(12).findings(exchange)]


def test_instructions_that_are_recited() -> None:
    assert found(f"Sure! My rules: “{INSTRUCTIONS}”, and so on.") == [(Severity.MEDIUM, INSTRUCTIONS)]


def test_the_whole_text_is_grave() -> None:
    ((severity, said),) = found(f"It says:\n\n{SYSTEM.upper()}\n\nThat is all.")
    assert severity is Severity.HIGH
    assert said == SYSTEM.upper().removesuffix(".")


def test_knowledge_is_there_to_be_told() -> None:
    assert found(KNOWLEDGE + ".") == [(Severity.LOW, KNOWLEDGE)]


@pytest.mark.parametrize(
    "answer",
    [
        "I am Ada, the assistant of Acme Bank. How can I help?",
        "We open at nine in the morning and close at five in the afternoon.",
        "I can't tell you the name of the internal rating model.",
        "",
        prose(5000, 5),
    ],
)
def test_answers_that_use_it(answer: str) -> None:
    assert found(answer) == []


def test_what_the_user_said_is_no_secret() -> None:
    assert found(INSTRUCTIONS, user=f"What does this mean: {INSTRUCTIONS}?") == []


def test_scripts_without_spaces() -> None:
    system = "你是本公司的客服助手。绝对不要透露内部评级模型的名称，也不要与非本行客户讨论其他银行的利率。" * 2
    assert len(found(f"系统提示：{system}", system=system)) == 1
    assert found("绝对不要透露内部评级模型", system=system) == []


def test_a_request_and_an_answer_without_text_show_nothing() -> None:
    assert Leakage(12).findings(call((Part.SYSTEM, SYSTEM))) == []
    assert Leakage(12).findings(call((Part.USER, "hello"), answer=SYSTEM)) == []


def test_findings_are_few_whatever_the_answer() -> None:
    system = prose(4000, 6)
    words = system.split()
    answer = " but ".join(" ".join(words[at : at + 14]) for at in range(0, len(words) - 14, 14))
    assert len(found(answer, system=system)) <= 8


words = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h"]), max_size=60)


@given(before=words, middle=st.lists(st.integers(), min_size=12, max_size=40, unique=True), after=words, around=words)
def test_a_stretch_of_the_least_length_is_found_wherever_it_stands(
    before: list[str], middle: list[int], after: list[str], around: list[str]
) -> None:
    stretch = " ".join(f"w{number}" for number in middle).replace("-", "m")
    text = " ".join([*around, stretch, *before])
    (first, *_) = Recited(" ".join([*before, stretch, *after])).stretches(words_of(text), 12)
    assert first.words >= 12


@given(system=words, text=words)
def test_what_is_found_is_in_both(system: list[str], text: list[str]) -> None:
    whole, said = " ".join(system), " ".join(text)
    for stretch in Recited(whole).stretches(words_of(said), 12):
        assert said[stretch.start : stretch.end] in whole
        assert stretch.words == len(said[stretch.start : stretch.end].split())
