"""`policy versions`: what a policy has been while it was in use."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midwatch.cli.administrator import Administrator
from midwatch.cli.printing import print_json, print_table, visible
from midwatch.home import Home

_COLUMNS = ("policy", "version", "from", "author", "lines of text")


def list_versions(home: Home, config_file: Path | None, name: str | None, *, limit: int, as_json: bool) -> int:
    """Print versions of a policy, by its id, else of the one in use; newest first."""
    message = {"op": "policy_versions", "name": name, "limit": limit}
    rows = Administrator(home, config_file).ask(message)["rows"]
    if as_json:
        print_json(rows)
    elif rows:
        print_table("", _COLUMNS, [_cells(row) for row in rows], right=("version", "lines of text"))
    else:
        print("No version was kept: a policy's text is kept when Midwatch starts with it", file=sys.stderr)
    return 0


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        visible(row["name"]),
        str(row["version"]),
        str(row["created_at"])[:19],
        visible(row["author"]),
        str(len(row["text"].splitlines())),
    ]
