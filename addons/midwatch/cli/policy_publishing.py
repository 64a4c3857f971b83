"""`policy publish`, `rollback` and `withdraw`: the policy in use is changed, in all processes where some live."""

import sys
from pathlib import Path
from typing import Any

from midwatch.cli.administrator import Administrator
from midwatch.cli.printing import print_json, print_text, visible
from midwatch.home import Home
from midwatch_core.errors import ConfigError


def publish(home: Home, config_file: Path | None, file: Path, *, note: str, as_json: bool) -> int:
    """Put the policy in a file into use; `-` is standard input. Raises ConfigError, AskError and StorageError."""
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        text = data.decode()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 at byte {error.start}") from error
    return _told(home, config_file, {"op": "policy_publish", "text": text, "note": note}, as_json=as_json)


def roll_back(home: Home, config_file: Path | None, version: int, *, as_json: bool) -> int:
    """Put an earlier version of the policy in use into use again. Raises as `publish` does."""
    return _told(home, config_file, {"op": "policy_roll_back", "version": version}, as_json=as_json)


def withdraw(home: Home, config_file: Path | None) -> int:
    """Go back to the policy that the configuration names. Raises as `publish` does."""
    Administrator(home, config_file).ask({"op": "policy_withdraw"})
    print_text("withdrawn: what the configuration names is in use")
    return 0


def _told(home: Home, config_file: Path | None, message: dict[str, Any], *, as_json: bool) -> int:
    row = Administrator(home, config_file).ask(message)["row"]
    if as_json:
        print_json([row])
    else:
        print_text(f"{visible(row['name'])} is in use, as version {row['version']}")
    return 0
