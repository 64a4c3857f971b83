"""All pages: settings, metrics, commands and files that they name are there, and what looks like settings holds."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
import yaml
from typer._click.exceptions import MissingParameter

from midwatch_core.config import Config, load_config
from midwatch_core.hosting import Plugins
from tests.docs.test_docs_blocks import plugins_commands, understood, words_of
from tests.docs.walking import DOCS, ROOT

_PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CHANGELOG")),
    *sorted(DOCS.glob("*.md")),
    *sorted(ROOT.glob("plugins/*/README.md")),
    *sorted(ROOT.glob("storage/*/README.md")),
]
_BY_NAME = pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
# Files of another kind, by a key that only they have: a policy, a rule of Prometheus' adapter.
_OTHER_FILES = ({"policy", "lines"}, {"rules"})
# Words joined by dots that are no setting: a file, an action in the audit log, a value of the chart.
_NO_SETTING = re.compile(
    r".+\.(?:crt|json|key|md|pem|py|yaml)|policy\.(?:publish|roll_back|withdraw)|providers\.(?:except|ports)"
)
_NO_SETTINGS_VARIABLE = {"MIDWATCH_A__B", "MIDWATCH_DATA", "MIDWATCH_HOME", "MIDWATCH_KEY"}
# Programs that a test is told of.
_PROGRAM = re.compile(r"MIDWATCH_(?:CLAUDE|CODEX|GEMINI)")
# Of plugins that do not come along, whose pages have them.
_METRIC_APART = re.compile(r"midwatch_grpc_\w+")
_ROOMS = "addons|core|storage|plugins|rules|benchmarks|docker|tests|docs|[.]ci|[.]github"
# What a reader makes by the commands of the page.
_MADE = {"docker/secrets", "tests/test_midwatch_acme_words.py"}


@cache
def sections() -> dict[str, type]:
    plugins = Plugins()
    plugins.discover()
    return plugins.sections()


@cache
def settings() -> set[str]:
    """Every setting and what holds several, as `alerts.channels.name`."""
    names = re.findall(r"^\| `([^`]+)` \|", (DOCS / "configuration.md").read_text(), re.MULTILINE)
    parts = [re.sub(r"\[\w*\]", "", name).split(".") for name in names]
    return {".".join(part[:length]) for part in parts for length in range(1, len(part) + 1)}


@cache
def metrics() -> set[str]:
    return set(re.findall(r"^\| `(midwatch_\w+)` \|", (DOCS / "metrics.md").read_text(), re.MULTILINE))


@_BY_NAME
def test_each_block_of_settings_is_a_configuration(page: Path, tmp_path: Path) -> None:
    known = set(Config.model_fields) | set(sections())
    for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        found = yaml.safe_load(block)
        if not isinstance(found, dict) or not known & set(found) or set(found) in _OTHER_FILES or "…" in block:
            continue
        file = tmp_path / "config.yaml"
        file.write_text(block)
        environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", block), "x")
        load_config(file=file, flags={}, environ=environ, sections=sections())


@_BY_NAME
def test_each_setting_in_the_text_is_one(page: Path) -> None:
    known = settings() | {"grpc", "ml", "ensemble"}
    text = page.read_text()
    rooms = {name.partition(".")[0] for name in settings()}
    named = {name for name in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?:`|:)", text) if name.partition(".")[0] in rooms}
    assert sorted(name for name in named - known if not _NO_SETTING.fullmatch(name)) == []
    variables = set(re.findall(r"\bMIDWATCH_[A-Z_]*[A-Z]\b", text)) - _NO_SETTINGS_VARIABLE
    told = {name for name in variables if not _PROGRAM.fullmatch(name)}
    assert {name.removeprefix("MIDWATCH_").lower().replace("__", ".") for name in told} <= known


@_BY_NAME
def test_each_metric_in_the_text_is_one(page: Path) -> None:
    named = set(re.findall(r"\bmidwatch_\w+_(?:total|seconds|bytes|info)\b", page.read_text()))
    assert sorted(name for name in named - metrics() if not _METRIC_APART.fullmatch(name)) == []


@_BY_NAME
def test_each_command_in_the_text_is_one_of_ours(page: Path) -> None:
    for line in re.findall(r"`(?:uv run run\.py|midwatch) ([^`\n]+)`", page.read_text()):
        words = words_of(line)
        if words and words[0] not in {*plugins_commands(), "COMMAND"}:
            with suppress(MissingParameter):  # a command may be named without all its words
                understood(words)


@_BY_NAME
def test_each_file_of_the_repository_in_the_text_is_there(page: Path) -> None:
    named = set(re.findall(rf"(?<![\w/.-])((?:{_ROOMS})/[\w./-]*\w)", page.read_text())) - _MADE
    assert sorted(name for name in named if not (ROOT / name).exists() and not (page.parent / name).exists()) == []
