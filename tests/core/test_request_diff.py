"""What changed between two requests, and which text broke the prompt cache."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import Json, Operation, Request
from midwatch_core.model.segment import Part, Segment
from midwatch_core.request_diff import Group, Kind, diff_requests

TOOL, SYSTEM, USER, ASSISTANT = Part.TOOL_DEFINITION, Part.SYSTEM, Part.USER, Part.ASSISTANT
BASE = [(SYSTEM, "Be brief."), (USER, "One?"), (ASSISTANT, "One."), (TOOL, "{look}"), (TOOL, "{write}")]


def request(texts: Sequence[tuple[Part, str]], model: str = "m", **parameters: Json) -> Request:
    segments = tuple(
        Segment(part=part, path=f"/{number}", text=text, hash=f"#{text}") for number, (part, text) in enumerate(texts)
    )
    return Request(operation=Operation.CHAT, model=model, segments=segments, parameters=parameters)


def test_a_request_that_goes_on_breaks_nothing() -> None:
    diff = diff_requests(request(BASE), request([*BASE[:3], (USER, "Two?"), *BASE[3:]]), by_hash=True)
    assert diff.breaks is None
    assert (diff.count(Kind.SAME), diff.count(Kind.ADDED), diff.count(Kind.CHANGED)) == (5, 1, 0)
    assert diff_requests(request(BASE), request([*BASE[:2], *BASE[3:]]), by_hash=True).breaks is None


@pytest.mark.parametrize(
    ("after", "group", "before_text", "after_text", "kept"),
    [
        ([(SYSTEM, "Be long."), *BASE[1:]], Group.SYSTEM, "Be brief.", "Be long.", 2),
        ([*BASE[:3], (TOOL, "{look!}"), BASE[4]], Group.TOOLS, "{look}", "{look!}", 0),
        ([*BASE[:3], BASE[4], BASE[3]], Group.TOOLS, "{look}", "{write}", 0),
        (BASE[:4], Group.TOOLS, "{write}", None, 1),
        ([*BASE, (TOOL, "{third}")], Group.TOOLS, None, "{third}", 2),
        ([BASE[0], (USER, "Uno?"), *BASE[2:]], Group.MESSAGES, "One?", "Uno?", 3),
        (BASE[1:], Group.SYSTEM, "Be brief.", None, 2),
    ],
    ids=["system", "tool", "order-of-tools", "tool-gone", "tool-new", "message", "system-gone"],
)
def test_the_first_text_that_differs_breaks_the_cache_tools_first(
    after: Sequence[tuple[Part, str]], group: Group, before_text: str | None, after_text: str | None, kept: int
) -> None:
    breaks = diff_requests(request(BASE), request(after), by_hash=True).breaks
    assert breaks is not None
    assert breaks.group is group
    assert (breaks.before.text if breaks.before else None) == before_text
    assert (breaks.after.text if breaks.after else None) == after_text
    assert breaks.kept == kept


def test_texts_are_told_apart_by_section_and_paired_where_one_stands_for_the_other() -> None:
    after = [(SYSTEM, "Be long."), (USER, "One?"), (TOOL, "{look}"), (TOOL, "{write}")]
    changes = diff_requests(request(BASE), request(after), by_hash=True).changes
    told = [
        (item.group, item.kind, item.before and item.before.text, item.after and item.after.text)
        for item in changes
        if item.kind is not Kind.SAME
    ]
    assert told == [
        (Group.SYSTEM, Kind.CHANGED, "Be brief.", "Be long."),
        (Group.MESSAGES, Kind.REMOVED, "One.", None),
    ]


def test_a_system_text_amid_the_messages_is_one_of_them() -> None:
    before = [(USER, "One?"), (SYSTEM, "Now in French.")]
    breaks = diff_requests(request(before), request([(USER, "One?"), (SYSTEM, "Now in Dutch.")]), by_hash=True).breaks
    assert breaks is not None
    assert (breaks.group, breaks.kept) == (Group.MESSAGES, 1)


def test_settings_that_differ_are_told() -> None:
    diff = diff_requests(
        request(BASE, model="a", temperature=0.2), request(BASE, model="b", temperature=0.7, top_p=1), by_hash=True
    )
    told = [(value.name, value.before, value.after) for value in diff.values]
    assert told == [("model", "a", "b"), ("temperature", 0.2, 0.7), ("top_p", None, 1)]


def test_hashes_tell_apart_what_masking_made_alike_and_only_within_a_tenant() -> None:
    one = Segment(part=USER, path="/0", text="Write to <EMAIL_1>", hash="1")
    other = Segment(part=USER, path="/0", text="Write to <EMAIL_1>", hash="2")
    before = Request(operation=Operation.CHAT, segments=(one,))
    after = Request(operation=Operation.CHAT, segments=(other,))
    assert diff_requests(before, after, by_hash=True).breaks is not None
    assert diff_requests(before, after, by_hash=False).breaks is None


def test_very_many_texts_are_compared_place_by_place() -> None:
    many = [(USER, f"text {number}") for number in range(5000)]
    diff = diff_requests(
        request(many), request([*many[:4998], (USER, "new"), many[4999], (USER, "more")]), by_hash=True
    )
    assert (diff.count(Kind.SAME), diff.count(Kind.CHANGED), diff.count(Kind.ADDED)) == (4999, 1, 1)


_TEXTS = st.lists(st.tuples(st.sampled_from([TOOL, SYSTEM, USER, ASSISTANT]), st.sampled_from("abc")), max_size=8)


@given(_TEXTS, _TEXTS)
def test_every_text_of_both_stands_in_one_change(before: list[tuple[Part, str]], after: list[tuple[Part, str]]) -> None:
    old, new = request(before), request(after)
    diff = diff_requests(old, new, by_hash=True)
    assert sorted(item.before.path for item in diff.changes if item.before) == sorted(i.path for i in old.segments)
    assert sorted(item.after.path for item in diff.changes if item.after) == sorted(i.path for i in new.segments)
    assert diff_requests(old, old, by_hash=True).breaks is None
