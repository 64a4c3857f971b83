"""The reference pages are what the code says."""

import runpy
from pathlib import Path

_DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_settings_is_current() -> None:
    generate = runpy.run_path(str(_DOCS / "generate.py"))
    assert (_DOCS / "configuration.md").read_text() == generate["configuration"](), (
        "run: uv run python docs/generate.py"
    )
