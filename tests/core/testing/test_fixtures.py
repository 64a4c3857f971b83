"""What authors of plugins are given: an engine with their plugin alone, whether it is installed or not."""

import pytest

pytest_plugins = ["pytester"]
PLUGIN = ("-p", "midwatch_core.testing.rules_plugin", "-p", "no:asyncio", "-p", "no:cacheprovider")
PROJECT = """
[project]
name = "acme"
[project.entry-points.midwatch]
acme = "{target}"
[tool.pytest.ini_options]
pythonpath = ["."]
"""
CODE = """
from pydantic import BaseModel
from midwatch_core import Detection, Severity, hookimpl

class Acme:
    class Config(BaseModel):
        word: str = "nightjar"

    def __init__(self, config):
        self.word = config.word

    @hookimpl
    def startup(self, host):
        if self.word == "raise":
            raise OSError("no such word")

    @hookimpl
    def inspect_text(self, text):
        at = text.original.find(self.word)
        return [Detection(rule="acme/word", category="words", severity=Severity.LOW, confidence=1.0, message="",
                          start=at, end=at + len(self.word))] if at >= 0 else []
"""
TEST = """
import pytest

def test_found(midwatch_engine):
    assert [item.plugin for item in midwatch_engine.scan("a nightjar").findings] == ["acme"]

class TestOtherSettings:
    @pytest.fixture
    def midwatch_settings(self):
        return {"acme": {"word": "owl"}}

    def test_found(self, midwatch_engine):
        assert midwatch_engine.scan("an owl").findings
        assert not midwatch_engine.scan("a nightjar").findings
"""


def run(pytester: pytest.Pytester, target: str = "acme_plugin:Acme", test: str = TEST) -> pytest.RunResult:
    (pytester.path / "pyproject.toml").write_text(PROJECT.format(target=target) if target else "[project]\n")
    pytester.makepyfile(acme_plugin=CODE, test_acme=test)
    return pytester.runpytest_inprocess(*PLUGIN)


def test_the_engine_has_the_projects_plugin_under_its_settings(pytester: pytest.Pytester) -> None:
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("acme_plugin:Nobody", "*plugin acme: AttributeError: *Nobody*"),
        ("nowhere", "*plugin acme: ModuleNotFoundError: No module named 'nowhere'"),
        ("", "*pyproject.toml has no ?project.entry-points.midwatch?: name your plugins there"),
    ],
)
def test_a_plugin_that_does_not_load_is_said_in_a_line(pytester: pytest.Pytester, target: str, says: str) -> None:
    result = run(pytester, target)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines([says])


def test_a_startup_that_raises_fails_the_test_with_its_own_error(pytester: pytest.Pytester) -> None:
    result = run(pytester, test=TEST.replace('"owl"', '"raise"'))
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*OSError: no such word"])
