"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from midwatch.home import Home
from midwatch_core.config import default_home

HomeOption = Annotated[Path | None, typer.Option("--home", help="The home; default $MIDWATCH_HOME or ~/.midwatch.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings in YAML; default config.yaml in the home.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def home_of(option: Path | None) -> Home:
    """The home an option names, or the default one."""
    return Home((option.expanduser() if option else default_home()).absolute())


def pass_on(context: typer.Context) -> bool:
    """Whether a command of the group follows; what was said before its name then holds for it.

    A home that is named must never be passed over: `tenants --home THERE add acme` is of that home.
    """
    group = context.command
    if context.invoked_subcommand is None or not isinstance(group, TyperGroup):
        return False
    context.default_map = dict.fromkeys(group.list_commands(context), context.params)
    return True
