"""Tolerant reading: a node answers in the type asked for, knows its place, and never raises."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.segment import Part
from midwatch_core.wire.node import Node, Trouble
from tests.core.wire.wire_checks import anything


def node(value: Any) -> tuple[Node, Trouble]:
    trouble = Trouble()
    return Node(value, trouble), trouble


@pytest.mark.parametrize(
    ("value", "text", "whole", "flag"),
    [
        ("x", "x", None, False),
        ("", "", None, False),
        (3, None, 3, False),
        (3.0, None, 3, False),
        (3.5, None, None, False),
        (-1, None, None, False),
        (2**60, None, None, False),
        (1e300, None, None, False),
        (True, None, None, True),
        (False, None, None, False),
        (None, None, None, False),
        ([1], None, None, False),
        ({"a": 1}, None, None, False),
    ],
)
def test_types(value: Any, text: str | None, whole: int | None, flag: bool) -> None:
    assert node(value)[0].text() == text
    assert node(value)[0].whole() == whole
    assert node(value)[0].flag() is flag


def test_what_is_missing_or_null_is_no_trouble() -> None:
    root, trouble = node({"null": None})
    for missing in (root["null"], root["absent"], root["absent"]["deeper"]):
        assert not missing
        assert (missing.text(), missing.whole(), missing.flag(), list(missing)) == (None, None, False, [])
        assert missing.segment(Part.USER) is None
        assert not list(missing.members())
    assert trouble.first is None


@pytest.mark.parametrize(
    ("ask", "noted"),
    [
        (lambda root: root["a"].text(), "/a: expected a string, found int"),
        (lambda root: root["a"]["b"], "/a: expected an object, found int"),
        (lambda root: list(root["a"]), "/a: expected an array, found int"),
        (lambda root: list(root["a"].members()), "/a: expected an object, found int"),
        (lambda root: root["a"].flag(), "/a: expected true or false, found int"),
        (lambda root: root["s/~"].whole(), "/s~1~0: expected a whole number, found str"),
        (lambda root: list(root), "/: expected an array, found dict"),
    ],
)
def test_the_first_wrong_type_is_noted(ask: Any, noted: str) -> None:
    root, trouble = node({"a": 1, "s/~": "x"})
    ask(root)
    root["a"].text()
    assert trouble.first == noted


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), ({"b": [1, "é"]}, '{"b":[1,"é"]}'), ([], "[]"), (5, "5"), (False, "false")],
)
def test_segments(value: Any, text: str) -> None:
    segment = node({"a": value})[0]["a"].segment(Part.TOOL_CALL)
    assert segment is not None
    assert (segment.part, segment.path, segment.text) == (Part.TOOL_CALL, "/a", text)


def test_an_empty_text_is_no_segment() -> None:
    assert node("")[0].segment(Part.USER) is None


@given(st.recursive(anything, lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=4))
def test_paths_lead_back_to_their_values(document: Any) -> None:
    def walk(at: Node) -> None:
        assert resolve(document, at.path) is at.value
        for child in [item for _, item in at.members()] if at.is_dict else list(at) if at.is_list else []:
            walk(child)

    walk(node(document)[0])


def resolve(document: Any, pointer: str) -> Any:
    """RFC 6901, section 4."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def test_an_object_lacks_members_that_are_missing_or_null_and_nothing_else_lacks_anything() -> None:
    assert node({"a": 1})[0].lacks(frozenset({"b", "c"}))
    assert node({"a": None})[0].lacks(frozenset({"a", "b"}))
    assert not node({"a": None, "b": False})[0].lacks(frozenset({"a", "b"}))
    others: tuple[Any, ...] = (None, [], "a")
    for other in others:
        assert not node(other)[0].lacks(frozenset({"b"}))
