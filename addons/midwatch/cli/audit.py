"""`audit`: who did what, and whether the log of it still is what was written."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from midwatch.cli.administrator import Administrator
from midwatch.cli.printing import print_json, print_table, print_text, visible
from midwatch.home import Home

_PAGE = 500
_VERIFY_S = 3600.0  # the whole log is read
_COLUMNS = ("number", "time", "actor", "action", "subject", "tenant", "details")


def list_audit(home: Home, config_file: Path | None, *, limit: int, tenant: str | None, as_json: bool) -> int:
    """Print entries, newest first."""
    rows = _rows(Administrator(home, config_file), tenant, limit)
    if as_json:
        print_json(rows)
    else:
        print_table("", _COLUMNS, [_cells(row) for row in rows], right=("number",))
    return 0


def verify_audit(home: Home, config_file: Path | None, *, as_json: bool) -> int:
    """Check every entry of the log; 1 and the first that does not hold where one does not."""
    verified = Administrator(home, config_file).ask({"op": "audit_verify"}, timeout_s=_VERIFY_S)
    if as_json:
        print_json([verified])
    elif fault := verified["fault"]:
        print_text(f"entry {fault['number']} does not hold: {visible(fault['reason'])}")
    else:
        print_text(f"{verified['entries']:,} entries hold")
    if verified["anchored"] is None and not as_json:
        print("midwatch: this home has no anchor: entries cut off the log's end would not show", file=sys.stderr)
    return 1 if verified["fault"] else 0


def _rows(administrator: Administrator, tenant: str | None, limit: int) -> Iterator[dict[str, Any]]:
    before: int | None = None
    while limit > 0:
        wanted = min(limit, _PAGE)
        rows = administrator.ask({"op": "audit", "limit": wanted, "before": before, "tenant": tenant})["rows"]
        yield from rows
        if len(rows) < wanted:
            return
        limit -= len(rows)
        before = rows[-1]["number"]


def _cells(row: Mapping[str, Any]) -> list[str]:
    details = "; ".join(f"{name}: {value}" for name, value in row["details"].items())
    return [
        str(row["number"]),
        str(row["at"])[:19],
        *(visible(str(row[name] or "")) for name in ("actor", "action", "subject", "tenant")),
        visible(details),
    ]
