"""`traces`, `costs` and `tail`: rows of what is kept, and rows as they come."""

import asyncio
import re
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

from midwatch.cli.asking import Asker
from midwatch.cli.printing import (
    EQUIVALENT,
    EQUIVALENT_NOTE,
    EXCHANGE_COLUMNS,
    EXCHANGE_NUMBERS,
    count,
    exchange_cells,
    money,
    print_json,
    print_table,
    print_text,
    visible,
)
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch_core.errors import ConfigError
from midwatch_core.ports import COST_KEYS

_NO_CALLS = "No calls yet. Try: uv run run.py demo, or uv run run.py exec -- COMMAND …"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str | None, option: str = "--since") -> str | None:
    """`2h` ago, or an ISO 8601 moment (UTC where it names no zone). Raises ConfigError naming the option."""
    if text is None:
        return None
    try:
        if ago := re.fullmatch(r"(\d{1,6})([smhd])", text):
            return (datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})).isoformat()
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{option} {text}: expected a moment like 2026-11-23T08:00 or 2h, 7d") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def list_exchanges(
    home: Home, config_file: Path | None, wanted: Mapping[str, Any], *, limit: int, as_json: bool
) -> int:
    """Print exchanges, newest first."""
    rows = Asker(home, config_file).pages({"op": "exchanges", "filter": dict(wanted)}, limit=limit)
    if as_json:
        print_json(rows)
        return 0
    cells = [exchange_cells(row) for row in rows]
    if not cells:
        asked = any(value is not None for value in wanted.values())
        print("No such calls." if asked else _NO_CALLS, file=sys.stderr)
        return 0
    print_table("", EXCHANGE_COLUMNS, cells, right=EXCHANGE_NUMBERS)
    if any(row[EXCHANGE_COLUMNS.index("cost")].startswith(EQUIVALENT) for row in cells):
        print_text(EQUIVALENT_NOTE)
    return 0


def list_costs(home: Home, config_file: Path | None, by: list[str], wanted: Mapping[str, Any], *, as_json: bool) -> int:
    """Print sums by group. Raises ConfigError for a group that is none."""
    if unknown := [key for key in by if key not in COST_KEYS]:
        raise ConfigError(f"--by {','.join(unknown)}: expected some of {', '.join(COST_KEYS)}")
    answer = Asker(home, config_file).ask({"op": "costs", "by": by, "filter": dict(wanted)})
    if as_json:
        print_json(answer["rows"])
        return 0
    subscribed = any(row["api_equivalent_usd"] for row in answer["rows"])
    rows = [
        [
            *(visible(str(row[key] or "-")) for key in by),
            *(count(row[key]) for key in ("calls", "input_tokens", "output_tokens")),
            money(row["cost_usd"]),
            *([EQUIVALENT + money(row["api_equivalent_usd"])] if subscribed else []),
            count(row["unpriced"]),
        ]
        for row in answer["rows"]
    ]
    numbers = ["calls", "in", "out", "cost", *(["subscription"] if subscribed else []), "unpriced"]
    print_table("", [*by, *numbers], rows, right=numbers)
    if subscribed:
        print_text(EQUIVALENT_NOTE)
    return 0


def follow(home: Home, *, as_json: bool) -> int:
    """Print exchanges as they are stored. 1 where nothing runs in this home."""
    try:
        asyncio.run(_follow(LineClient(home.control_socket), as_json=as_json))
    except ControlAbsentError:
        print(f"midwatch: nothing runs in {home.root}; start it with: uv run run.py", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    return 0


async def _follow(client: LineClient, *, as_json: bool) -> None:
    # What `asyncio.run` does itself can miss a signal that comes just before it begins to wait (seen once in 8000).
    task = asyncio.current_task()
    if task is not None and current_thread() is main_thread():
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    async with client.open() as line:
        await line.send({"op": "tail"})
        while (message := await line.receive()) is not None:
            if row := message.get("row"):
                print_json([row]) if as_json else print_text("  ".join(filter(None, exchange_cells(row))))
