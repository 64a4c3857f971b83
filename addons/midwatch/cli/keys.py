"""`keys`: who may call and who may look. A new key is shown here, once, and kept nowhere."""

import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from midwatch.cli.administrator import Administrator
from midwatch.cli.printing import print_json, print_table, print_text, visible
from midwatch.home import Home
from midwatch_core.errors import ConfigError
from midwatch_core.model.apikey import AccessRole

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_COLUMNS = ("key", "tenant", "role", "state", "label", "agent", "created", "expires")


def list_keys(home: Home, config_file: Path | None, *, as_json: bool) -> int:
    """Print keys, oldest first, also those no longer valid."""
    rows = Administrator(home, config_file).ask({"op": "keys"})["rows"]
    if as_json:
        print_json(rows)
    elif rows:
        print_table("", _COLUMNS, [_cells(row) for row in rows])
    else:
        print("No keys yet. Try: uv run run.py keys create --role client", file=sys.stderr)
    return 0


def create_key(home: Home, config_file: Path | None, wish: Mapping[str, Any], *, as_json: bool) -> int:
    """Make a key and print it. Raises ConfigError for a role that is none."""
    roles = [role.value for role in AccessRole]
    if wish["role"] not in roles:
        raise ConfigError(f"--role {wish['role']}: expected one of {', '.join(roles)}")
    _show(Administrator(home, config_file).ask({"op": "key_create", **wish}), as_json=as_json)
    return 0


def rotate_key(home: Home, config_file: Path | None, key_id: str, grace: str, *, as_json: bool) -> int:
    """Make a key in place of another, which stays valid for a while, and print it. Raises ConfigError."""
    message = {"op": "key_rotate", "id": key_id, "grace_s": duration(grace, "--grace").total_seconds()}
    _show(Administrator(home, config_file).ask(message), as_json=as_json)
    return 0


def revoke_key(home: Home, config_file: Path | None, key_id: str, *, as_json: bool) -> int:
    """End a key now."""
    row = Administrator(home, config_file).ask({"op": "key_revoke", "id": key_id})["row"]
    if as_json:
        print_json([row])
    else:
        print_text(f"{visible(row['id'])} is revoked")
    return 0


def expiry(text: str | None) -> str | None:
    """The end of a key as `90d` from now, or as an ISO 8601 moment (UTC where it names no zone). Raises ConfigError."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.now(UTC) + duration(text, "--expires")
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def duration(text: str, option: str) -> timedelta:
    """A time such as `30m`, `24h`, `90d`. Raises ConfigError naming the option."""
    said = re.fullmatch(r"(\d{1,5})([smhd])", text)
    if said is None:
        raise ConfigError(f"{option} {text}: expected a time like 30m, 24h or 90d")
    return timedelta(**{_UNITS[said[2]]: int(said[1])})


def _show(answer: Mapping[str, Any], *, as_json: bool) -> None:
    """The key alone on standard output, so that a script may take it; what is to be known of it beside that."""
    if as_json:
        print_json([{**answer["row"], "key": answer["key"]}])
        return
    row = answer["row"]
    whose = f"of the tenant {visible(row['tenant'])}" if row["tenant"] else "of the installation"
    print(f"midwatch: {row['id']}, {row['role']} {whose}. It is shown this once:", file=sys.stderr)
    print_text(answer["key"])


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["id"],
        visible(row["tenant"] or "(all)"),
        row["role"],
        row["state"],
        visible(row["label"]),
        visible(row["agent"] or ""),
        str(row["created_at"])[:10],
        str(row["expires_at"] or "")[:16],
    ]
