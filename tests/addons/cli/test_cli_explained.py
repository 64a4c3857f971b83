"""A finding in lines: what and where it is, and who said what of it."""

from typing import Any

import pytest

from midwatch.cli.explained import finding_lines

FOUND: dict[str, Any] = {
    "rule": "ensemble/prompt-injection",
    "severity": "high",
    "part": "user",
    "path": "/messages/0/content",
    "start": 3,
    "end": 9,
    "message": "prompt injection, 0.97",
    "evidence": "do not",
}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "user /messages/0/content 3-9: do not"),
        ({"evidence": None}, "user /messages/0/content 3-9: prompt injection, 0.97"),
        ({"part": None, "path": None, "start": None, "end": None}, "call: do not"),
        ({"evidence": "x" * 121}, f"user /messages/0/content 3-9: {'x' * 120}…"),
        ({"evidence": "\x1b[31m"}, "user /messages/0/content 3-9: �[31m"),
        ({"evidence": None, "message": None}, "user /messages/0/content 3-9: "),
    ],
    ids=range(6),
)
def test_a_finding_is_a_line(changes: dict[str, Any], line: str) -> None:
    assert list(finding_lines({**FOUND, **changes})) == [f"  high     ensemble/prompt-injection  {line}"]


def test_reasons_are_below_it_and_that_there_were_more() -> None:
    said = "prompt injection, 0.97: rules +2.1 (a 0.80, \x1b[31m), main -0.4, and so o…"
    assert list(finding_lines({**FOUND, "message": said}))[1:] == [
        "           prompt injection, 0.97",
        "             rules  +2.1  a 0.80, �[31m",
        "             main   -0.4",
        "             …",
    ]
