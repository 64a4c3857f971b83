"""Every block of code on every page is sound: run by its page's own test, or parsed by what would read it."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.routing import Match
from typer._click.exceptions import NoArgsIsHelpError
from typer.main import get_command

from midwatch.cli.app import app
from midwatch_core.host import Host, Role
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_web.app import create_app
from tests.docs.walking import DOCS, ROOT

_PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(DOCS.glob("*.md"))]
# Walked by a test of their own, each command of them.
_WALKED = {"opentelemetry.md", "packs.md", "plugins.md", "tutorial.md"}
# Made from the command line itself.
_MADE = {"commands.md", "hooks.md"}
# What is looked at; a `console` is a session as it was seen, on pages whose own tests made it.
_SHOWN = {"text", "output", "mermaid", "console"}
_BLOCK = re.compile(r"(<!-- not run here: [^>]+-->\n)?^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^ {4}(?:[A-Z_]+=\S+ )*(?:uv run run\.py|midwatch) +(.+)$", re.MULTILINE)
_CURL = re.compile(r"^ {4}curl .*?http://127\.0\.0\.1:8082(/[\w/.-]+)", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str, str]]:
    return _BLOCK.findall(page.read_text())


def parses(kind: str, text: str) -> bool:
    """Whether a block is what it says it is; raises where it is not. False for what only its page's test can tell."""
    if kind == "yaml":
        list(yaml.safe_load_all(text))
    elif kind == "json":
        json.loads(text)
    elif kind == "toml":
        tomllib.loads(text)
    elif kind == "python":
        compile(text, "page", "exec")
    else:
        return False
    return True


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_each_block_is_run_or_is_what_it_says(page: Path) -> None:
    for not_run, kind, text in blocks(page):
        if not parses(kind, text):
            assert kind in _SHOWN or not_run or page.name in _WALKED, (kind, text)


def words_of(line: str) -> list[str]:
    """The words of a listing's command: what it means stands after two blanks or #, and what may be left out in []."""
    command = re.split(r" {2,}|\s#|;", line)[0]
    words = shlex.split(re.sub(r"\[[^\]]*\]", "", command))
    return ["1" if word == "VERSION" else word.strip("…") or "X" for word in words]


@cache
def plugins_commands() -> set[str]:
    plugins = Plugins()
    plugins.discover()
    plugins.activate({name: section() for name, section in plugins.sections().items() if name != "grpc"})
    host = Host(role=Role.FACE, home=Path(), metrics=Metrics())
    return {item.name for item in plugins.gather("commands", host=host)} | {"ml", "ensemble"}


def understood(words: list[str]) -> None:
    """The words are ours: raises where the command line would refuse them."""
    command: Any = get_command(app)
    if words[0] in {option for parameter in command.params for option in parameter.opts}:
        return  # as --version, which is no command's
    if words[0].startswith("-"):
        words = ["start", *words]
    while words and words[0] in (members := getattr(command, "commands", {})):
        command, words = members[words[0]], words[1:]
    if "--" in words:
        words = [*words[: words.index("--")], "command"]
    with suppress(NoArgsIsHelpError), command.make_context("midwatch", list(words)):
        pass  # a group alone tells what is in it


@pytest.mark.parametrize("page", [page for page in _PAGES if page.name not in _MADE], ids=lambda page: page.name)
def test_each_command_of_a_listing_is_one_of_ours(page: Path) -> None:
    elsewhere = plugins_commands()
    for line in _COMMAND.findall(page.read_text()):
        words = words_of(line)
        for alternative in " ".join(words).split(" | "):
            chosen = alternative.split()
            if chosen and chosen[0] not in elsewhere and not chosen[0].startswith(("then", "COMMAND")):
                understood(shlex.split(alternative) if " | " in " ".join(words) else words)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_each_address_of_the_console_is_there(page: Path) -> None:
    routes = create_app(Host(role=Role.FACE, home=Path(), metrics=Metrics())).routes
    for path in _CURL.findall(page.read_text()):
        scope = {"type": "http", "path": path, "method": "GET"}
        assert any(route.matches(scope)[0] is not Match.NONE for route in routes), path
