"""What a turn says anew: clients send the whole talk again, more or less as it was."""

from collections.abc import Callable
from typing import Any

import pytest

from midwatch_core.model.content import Operation, Request, Response
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Part, Segment
from midwatch_web.conversations.novelty import new_places, told_places

type Make = Callable[..., Exchange]

PARTS = {"s": Part.SYSTEM, "u": Part.USER, "a": Part.ASSISTANT, "r": Part.REASONING, "t": Part.TOOL_RESULT}
PARTS |= {"c": Part.TOOL_CALL, "d": Part.TOOL_DEFINITION}


def segments(told: str) -> tuple[Segment, ...]:
    """`u1` is the user's text "1"."""
    return tuple(
        Segment(part=PARTS[word[0]], path=f"/{at}", text=word[1:], hash="") for at, word in enumerate(told.split())
    )


def said(make: Make, asked: str, answered: str = "") -> Exchange:
    request = Request(operation=Operation.CHAT, segments=segments(asked))
    return make(request=request, response=Response(segments=segments(answered)))


@pytest.mark.parametrize(
    ("parent", "answer", "asked", "fresh"),
    [
        ("s1 u1", "a1", "s1 u1 a1 u2", "u2"),
        ("s1 u1", "r1 a1 c1", "s1 u1 a1 c1 t1 u2", "t1 u2"),
        ("d1 s1 u1", "a1", "d2 s1 u1 a1 u2", "u2"),
        ("s1 u1", "a1", "s2 u1 a1 u2", "s2 u2"),
        ("s1 u1", "a1", "s1 u1 a1-masked u2", "u2"),
        ("uyes", "a1", "uyes a1 uyes", "uyes"),
        ("u1 a1 u2", "a2", "usummary", "usummary"),
        ("u1 a1 u2", "a2", "usummary a2 u3", "usummary u3"),
        ("u1 a1 u2", "a2", "u1 a1 u2", ""),
        ("u1 a1 u2", "a2", "u1 a1 u2-edited", "u2-edited"),
        ("s1 u1", "a1", "u2", "u2"),
    ],
    ids=[
        "goes-on",
        "tools",
        "definitions-are-none",
        "instructions-changed",
        "answer-came-back-otherwise",
        "the-same-word-twice",
        "compaction",
        "compaction-that-keeps-the-end",
        "asked-again",
        "edited",
        "the-provider-keeps-the-rest",
    ],
)
def test_new_is_what_was_not_said_before(call: Make, parent: str, answer: str, asked: str, fresh: str) -> None:
    exchange = said(call, asked)
    numbers = new_places(exchange, said(call, parent, answer))
    assert [asked.split()[number] for number in numbers] == fresh.split()


def test_without_what_went_before_all_is_new(call: Make) -> None:
    exchange = said(call, "d1 s1 u1 a1 u2")
    assert new_places(exchange, None) == [1, 2, 3, 4]
    assert told_places(exchange) == 4
    assert new_places(said(call, "c1"), None) == [0]


@pytest.mark.parametrize(("end", "fresh"), [("t1 u2", "s1 t1 u2"), ("a2", "s1 a2")])
def test_of_a_long_history_new_is_what_follows_the_model_s_last_word(call: Make, end: str, fresh: str) -> None:
    asked = f"s1 {'u a ' * 15}{end}"
    assert [asked.split()[number] for number in new_places(said(call, asked), None)] == fresh.split()


def test_hashes_tell_apart_what_masking_made_alike(call: Make) -> None:
    def with_hash(*hashes: str) -> Any:
        told = (Segment(part=Part.USER, path=f"/{name}", text="[email]", hash=name) for name in hashes)
        return call(request=Request(operation=Operation.CHAT, segments=tuple(told)))

    assert new_places(with_hash("one", "other"), with_hash("one")) == [1]
    assert new_places(with_hash("other"), with_hash("one")) == [0]
