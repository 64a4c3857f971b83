"""Third parties' plugins, as installed: modules beside their metadata, in a folder that every process looks into."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from midwatch.home import Home

_HEAD = """
import os, sys, time
from midwatch_core import Detection, Finding, Severity, hookimpl

def seen(text, word, **changes):
    at = text.original.find(word)
    known = dict(rule="test/" + word, category="words", severity=Severity.LOW, confidence=0.5, message="A word",
                 start=at, end=at + len(word))
    return [Detection(**{**known, **changes})] if at >= 0 else []
"""

GOOD = """
@hookimpl
def inspect_text(text, part):
    return seen(text, "sesame", message=f"{part} {os.getpid()}")
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Home]:
    """Installs plugins, by name and source, and gives a home that allows these alone."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(site))
    for name in ("MIDWATCH_HOME", "MIDWATCH_LOG", "MIDWATCH_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)

    def put(**plugins: str) -> Home:
        for name, code in plugins.items():
            info = site / f"{name}-1.0.dist-info"
            info.mkdir()
            (site / f"third_{name}.py").write_text(_HEAD + textwrap.dedent(code))
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[midwatch]\n{name} = third_{name}\n")
        home = Home(tmp_path / "home")
        home.prepare()
        home.config_file.write_text(f"plugins: {{allow: [{', '.join(plugins)}]}}\n")
        return home

    return put
