"""All pages: what one refers to is there, and records of decisions are short and without gaps."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PAGES = [_ROOT / "README.md", _ROOT / "CONTRIBUTING.md", *sorted((_ROOT / "docs").rglob("*.md"))]
_RECORDS = sorted((_ROOT / "docs" / "decisions").glob("*.md"))
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_MENTION = re.compile(r"\bdocs/(?:[a-z0-9-]+/)*[a-z0-9-]+\.md\b")
_LINES = 40


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_a_page_refers_to_what_is_there(page: Path) -> None:
    text = page.read_text()
    named = [page.parent / link for link in _LINK.findall(text)] + [_ROOT / name for name in _MENTION.findall(text)]
    assert [str(path.relative_to(_ROOT)) for path in named if not path.exists()] == []


def test_records_of_decisions_are_numbered_without_gaps_and_short() -> None:
    assert [int(record.name[:4]) for record in _RECORDS] == list(range(1, len(_RECORDS) + 1))
    assert [record.name for record in _RECORDS if len(record.read_text().splitlines()) > _LINES] == []
    assert [
        record.name for record in _RECORDS if not record.read_text().startswith(f"# {int(record.name[:4])}. ")
    ] == []
