"""`start`: the proxy in the foreground."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midwatch.home import Home
from midwatch.logs import set_up_logs
from midwatch.starting import Ready, prepare, run


def start_and_serve(home: Home, config_file: Path | None, flags: Mapping[str, Any]) -> int:
    """Start and serve until told to stop; the exit code."""
    set_up_logs("supervisor")
    ready = prepare(home, config_file=config_file, flags=flags)
    _greet(ready)
    return asyncio.run(run(ready))


def _greet(ready: Ready) -> None:
    config, home = ready.settings.config, ready.settings.home
    lines = [
        f"Midwatch: proxy http://{config.listen}   console http://{config.console}   home {home.root}",
        "  watch one command:  uv run run.py exec -- COMMAND …",
        f"  or set HTTPS_PROXY=http://{config.listen} and trust {home.ca_certificate} (uv run run.py ca)",
    ]
    print("\n".join(lines), file=sys.stderr, flush=True)
