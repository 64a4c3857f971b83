"""The reference pages are what the code says."""

import runpy
from pathlib import Path

import pytest

_DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["commands", "configuration", "decisions", "hooks", "metrics", "rest", "rules"])
def test_a_page_made_from_the_code_is_current(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(_DOCS))  # its parts stand beside it
    generate = runpy.run_path(str(_DOCS / "generate.py"))
    assert (_DOCS / f"{page}.md").read_text() == generate["PAGES"][page](), "run: uv run python docs/generate.py"
