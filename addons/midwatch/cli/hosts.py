"""`hosts`: which AI services were talked to, by whom, read or not; and clients that refuse our certificate."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from midwatch.cli.administrator import Administrator
from midwatch.cli.printing import count, print_json, print_table, visible
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.pinned_file import read_pinned, write_pinned
from midwatch_core.pins import Pin, pin_row

_COLUMNS = ("host", "service", "seen", "client", "app or process", "connections", "calls", "last seen")
_NUMBERS = ("connections", "calls")
_NOTES = {
    "sni": "sni: passed through unread; only the name is known.",
    "pinned": "pinned: passed through unread, for its client refused our certificate; see: hosts pinned",
    "refused": "refused: the client refused our certificate, and no call was made; see: ca",
}
_SHADOW = "*: shadow AI, neither a provider of the catalogue nor approved (inventory.approved)."


def list_hosts(home: Home, config_file: Path | None, wanted: Mapping[str, Any], *, limit: int, as_json: bool) -> int:
    """Print the inventory, the last seen first."""
    answer = Administrator(home, config_file).ask({"op": "hosts", "limit": limit, **wanted})
    rows = answer["rows"]
    if as_json:
        print_json(rows)
        return 0
    if not rows:
        print("No AI service was talked to" + (" that matches." if any(wanted.values()) else " yet."), file=sys.stderr)
        return 0
    print_table("", _COLUMNS, [_cells(row) for row in rows], right=_NUMBERS)
    seen = {row["seen"] for row in rows}
    notes = [note for name, note in _NOTES.items() if name in seen]
    print("\n".join([*notes, *([_SHADOW] if any(not row["known"] for row in rows) else [])]))
    return 0


def _cells(row: Mapping[str, Any]) -> list[str]:
    at = datetime.fromisoformat(row["last_at"]).astimezone(UTC)
    container = f" in {row['container']}" if row["container"] else ""
    return [
        visible(row["host"]) + ("" if row["known"] else " *"),
        visible(row["title"] or row["provider"] or "-"),
        row["seen"],
        visible(row["client"] or "-"),
        visible(f"{row['app'] or row['process'] or '-'}{container}"),
        count(row["connections"]),
        count(row["calls"]),
        f"{at:%F %R}",
    ]


def list_pinned(home: Home, *, as_json: bool) -> int:
    """Print the clients that refused our certificate, and until when they pass unread. Raises ConfigError."""
    pins = pinned_now(home)
    if as_json:
        print_json(pin_row(pin) for pin in pins)
        return 0
    if not pins:
        print("No client refused our certificate.", file=sys.stderr)
        return 0
    cells = [[visible(pin.host), who(pin), visible(pin.why), f"{pin.until.astimezone(UTC):%F %R} UTC"] for pin in pins]
    print_table("", ("host", "client", "why", "until"), cells)
    return 0


def unpin(home: Home, host: str | None, client: str | None) -> int:
    """Forget clients that refused our certificate: their next try is read again. 1 where there are none."""
    wanted = {"host": host.lower() if host else None, "client": client}
    try:
        answer = asyncio.run(LineClient(home.control_socket).ask({"op": "unpin", **wanted}))
        gone = int(answer["unpinned"])
    except ControlAbsentError:
        gone = _unpin_here(home, wanted)
    print(f"{gone} forgotten" if gone else "none to forget")
    return 0 if gone else 1


def pinned_now(home: Home) -> list[Pin]:
    """The pins whose time is not over. Raises ConfigError."""
    now = datetime.now(UTC)
    return [pin for pin in read_pinned(home).all() if pin.until > now]


def who(pin: Pin) -> str:
    """A pinned client, for people."""
    return visible(f"{pin.client} ({pin.process})" if pin.process else pin.client)


def _unpin_here(home: Home, wanted: Mapping[str, str | None]) -> int:
    """With nothing running, in the file itself."""
    pins = read_pinned(home)
    gone = pins.forget(**wanted)
    if gone:
        write_pinned(home, pins)
    return gone
