"""The command line: `uv run run.py …` and the installed `midwatch`."""

import sys

from midwatch_core.errors import MidwatchError

# Options that stand before any command belong to `start`, the default.
_DEFAULT = "start"


def main(words: list[str] | None = None) -> int:
    """Run a command; its exit code: 0 fine, 1 found or failed, 2 wrong use."""
    from midwatch.cli.app import app

    words = list(sys.argv[1:] if words is None else words)
    if not words or (words[0].startswith("-") and words[0] not in {"--help", "-h", "--version"}):
        words = [_DEFAULT, *words]
    try:
        code = app(words, standalone_mode=False)
    except MidwatchError as error:
        print(f"midwatch: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return _quiet_end()
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  # only Typer's own errors: all others are re-raised
        return _show(error)
    return code if isinstance(code, int) else 0


def _show(error: Exception) -> int:
    """Typer's usage errors print themselves; anything else is a fault of ours and keeps its traceback."""
    import click

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.exceptions.Abort):
        return 130
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    raise error


def _quiet_end() -> int:
    """`traces | head` has all it wants: no traceback, and none from the interpreter's own flush either."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
