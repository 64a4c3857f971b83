"""Commands that plugins bring: looked for when a word is none of our own."""

from midwatch.cli.options import home_of
from midwatch.settings import resolve
from midwatch_core.contributions import Command


def contributed(name: str) -> Command | None:
    """The command of that name which a plugin brings, in the default home's configuration. Raises ConfigError."""
    commands: list[Command] = resolve(home_of(None), config_file=None, flags={}).plugins.gather("commands")
    return next((command for command in commands if command.name == name), None)
