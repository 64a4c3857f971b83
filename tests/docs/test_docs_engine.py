"""The page about the engine: its code is run, block after block."""

import re
from pathlib import Path

import pytest

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "engine.md"


def test_the_code_on_the_page_finds_and_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", _PAGE.read_text(), re.MULTILINE | re.DOTALL):
        exec(compile(block, str(_PAGE), "exec"), names)
    printed = capsys.readouterr().out
    assert "midwatch/" in printed
    assert printed.rstrip().endswith("BLOCK")
