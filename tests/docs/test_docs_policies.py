"""The page about policies: the file on it is one."""

import re
from pathlib import Path

from midwatch_core import Direction, Part, Policy, Subject

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "policies.md"


def on_the_page() -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```", _PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_the_policy_on_the_page_is_read() -> None:
    text, _ = on_the_page()
    assert [line.id for line in Policy.load(text.encode(), "page").lines] == [
        "keys-out",
        "commands",
        "injections",
        "the-rest",
    ]


def test_the_line_on_the_page_that_waits_for_models_does() -> None:
    _, line = on_the_page()
    policy = Policy.load(f"policy: {{id: page}}\nlines:\n{line}".encode(), "page")
    for part, seconds in ((Part.TOOL_RESULT, 0.3), (Part.USER, 0)):
        assert policy.patience_s(Subject(tenant="t"), Direction.REQUEST, part) == seconds
