"""The page of all commands, from the command line's own words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from midwatch.cli.app import app
from midwatch_core.host import Host, Role
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics

# Plugins that do not come along: they may be installed here or not, and have pages of their own.
APART = frozenset({"ensemble", "grpc", "ml"})
# Told once, above all commands.
_USUAL = frozenset({"--help", "-h,", "--home", "--config", "--json"})


def commands() -> str:
    """Every command with its words and options; the plugins' in a line each, for they explain themselves."""
    lines = [
        "# Commands",
        "",
        "`uv run run.py COMMAND …` in a checkout, `midwatch COMMAND …` where it is installed. Without a command it",
        "is `start`. Nearly all take `--home DIR` (default `$MIDWATCH_HOME`, else `~/.midwatch`) and `--config FILE`",
        "(default `config.yaml` in the home); listings take `--json`, one object a line. A command ends with 0 where",
        "all is well, 1 where something was found or failed, 2 where the words were wrong. This page is made from the",
        "code.",
    ]
    root = get_command(app)
    for name, command in _leaves(root, ()):
        lines += ["", f"## {' '.join(name)}", "", *_told(name, command)]
    return "\n".join([*lines, "", "## From plugins", "", "| command | what it does |", "|---|---|", *_plugins()]) + "\n"


def _leaves(command: Any, name: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Commands by name; a group that does something itself comes before its own. Typer carries a click of its own."""
    members: dict[str, Any] = getattr(command, "commands", {})
    if name and (not members or getattr(command, "invoke_without_command", False)):
        yield name, command
    for word, member in sorted(members.items()):
        yield from _leaves(member, (*name, word))


def _told(name: tuple[str, ...], command: Any) -> Iterator[str]:
    context = command.make_context(" ".join(name), [], resilient_parsing=True)
    pieces = [piece for piece in command.collect_usage_pieces(context) if "COMMAND" not in piece]
    yield f"    midwatch {' '.join([*name, *pieces])}"
    yield ""
    yield " ".join((command.help or "").split())
    rows = [row for parameter in command.params if (row := _row(parameter, context))]
    if rows:
        yield from ("", "| | |", "|---|---|", *rows)


def _row(parameter: Any, context: Any) -> str | None:
    record = parameter.get_help_record(context)
    if record is None or record[0].split()[0] in _USUAL:
        return None
    word, help_ = (" ".join(text.split()).replace("|", "&#124;") for text in record)
    return f"| `{word}` | {help_} |"


def _plugins() -> Iterator[str]:
    plugins = Plugins()
    plugins.discover()
    plugins.activate({name: section() for name, section in plugins.sections().items() if name not in APART})
    host = Host(role=Role.FACE, home=Path(), metrics=Metrics())
    found = [
        item
        for outcome in plugins.call_all("commands", host=host)
        if outcome.name.partition(".")[0] not in APART
        for item in outcome.value
    ]
    for item in sorted(found, key=lambda item: item.name):
        yield f"| `{item.name}` | {item.help} |"
