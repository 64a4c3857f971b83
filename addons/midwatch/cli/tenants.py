"""`tenants`: who there is, and by what their calls are known besides keys."""

import sys
from collections.abc import Mapping
from getpass import getpass
from pathlib import Path
from typing import Any

from midwatch.cli.administrator import Administrator
from midwatch.cli.printing import print_json, print_table, print_text, visible
from midwatch.home import Home
from midwatch_core.access.fingerprint import fingerprint

_COLUMNS = ("tenant", "title", "networks", "provider keys", "certificates", "kept", "from")


def list_tenants(home: Home, config_file: Path | None, *, as_json: bool) -> int:
    """Print tenants: those of the configuration, then those that were added."""
    rows = Administrator(home, config_file).ask({"op": "tenants"})["rows"]
    _print(rows, as_json=as_json)
    return 0


def keep_tenant(
    home: Home, config_file: Path | None, name: str, told: Mapping[str, Any], *, fresh: bool, as_json: bool
) -> int:
    """Add a tenant, or change one: what is told of it (by the names of `tenants --json`) replaces what was there."""
    message = {"op": "tenant_add" if fresh else "tenant_set", "name": name, **told}
    _print([Administrator(home, config_file).ask(message)["row"]], as_json=as_json)
    return 0


def remove_tenant(home: Home, config_file: Path | None, name: str, *, as_json: bool) -> int:
    """Forget a tenant and revoke its keys."""
    revoked = Administrator(home, config_file).ask({"op": "tenant_remove", "name": name})["revoked"]
    if as_json:
        print_json([{"name": name, "revoked_keys": revoked}])
    else:
        print_text(f"{visible(name)} is no tenant any more; {revoked} of its keys are revoked, its calls are kept")
    return 0


def print_fingerprint(home: Home, *, as_json: bool) -> int:
    """Print the fingerprint of a provider's key, which is read from standard input and kept nowhere."""
    key = getpass("Provider key: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not key.strip():
        print("midwatch: no key was given", file=sys.stderr)
        return 2
    home.prepare()
    made = fingerprint(home.hash_key(), key.strip())
    if as_json:
        print_json([{"fingerprint": made}])
    else:
        print_text(made)
    return 0


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    else:
        print_table("", _COLUMNS, [_cells(row) for row in rows])


def _cells(row: Mapping[str, Any]) -> list[str]:
    days = row["retention_days"]
    return [
        visible(row["name"]),
        visible(row["title"]),
        *(visible("\n".join(row[name])) for name in ("networks", "provider_keys", "certificates")),
        "" if days is None else f"{days:g} days",
        "configuration" if row["configured"] else str(row["created_at"])[:10],
    ]
