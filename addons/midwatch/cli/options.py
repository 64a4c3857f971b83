"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

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
