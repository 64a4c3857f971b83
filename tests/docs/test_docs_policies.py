"""The page about policies: the file on it is one."""

import re
from pathlib import Path

from midwatch_core import Policy

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "policies.md"


def test_the_policy_on_the_page_is_read() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", _PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert [line.id for line in Policy.load(text.encode(), "page").lines] == [
        "keys-out",
        "commands",
        "injections",
        "the-rest",
    ]
