"""The command line: `uv run run.py …` and the installed `midwatch`."""

import sys
from typing import TYPE_CHECKING

from midwatch.hangup import hold_reloads

if TYPE_CHECKING:
    from midwatch_core.contributions import Command

# Options that stand before any command belong to `start`, the default.
_DEFAULT = "start"
_NO_COMMAND = {"--help", "-h", "--version"}


def main(words: list[str] | None = None) -> int:
    """Run a command; its exit code: 0 fine, 1 found or failed, 2 wrong use."""
    own_process = words is None
    words = list(sys.argv[1:] if words is None else words)
    if not words or (words[0].startswith("-") and words[0] not in _NO_COMMAND):
        words = [_DEFAULT, *words]
    if own_process and words[0] == _DEFAULT:
        hold_reloads()  # imports take a second
    from midwatch.cli.app import app, own_commands
    from midwatch.cli.printing import ReaderGoneError, end_quietly
    from midwatch.crashing import quiet_crashes
    from midwatch_core.errors import ConfigError, MidwatchError

    quiet_crashes()
    try:
        if words[0] not in _NO_COMMAND | own_commands() and (command := _contributed(words[0])):
            return command.run(words[1:])
        app(words)
    except SystemExit as end:  # Typer's way to return: it has said itself what is wrong with the words
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except ReaderGoneError:
        return end_quietly()
    except MidwatchError as error:
        print(f"midwatch: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    return 0


def _contributed(name: str) -> "Command | None":
    from midwatch.cli.contributed import contributed

    return contributed(name)
