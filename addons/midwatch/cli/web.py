"""`web`: the console alone, over stores that other processes fill; as many of them as there are readers."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from midwatch.control.alone.process import ConsoleAlone, place_in
from midwatch.crew.bound_sockets import address_of, bound
from midwatch.home import Home
from midwatch.logs import set_up_logs
from midwatch.settings import resolve
from midwatch.start_checks import check_start


def serve_console(home: Home, config_file: Path | None, flags: Mapping[str, Any]) -> int:
    """Serve until told to stop; the exit code. Raises ConfigError and StorageError."""
    set_up_logs("web")
    home.prepare()
    settings = resolve(home, config_file=config_file, flags=flags)
    check_start(settings)
    with place_in(home), bound(settings.config.console, "--console") as sock:
        placed = replace(settings, config=settings.config.model_copy(update={"console": address_of(sock)}))
        alone = ConsoleAlone(placed)
        print(f"Midwatch: console alone http://{address_of(sock)}   home {home.root}", file=sys.stderr, flush=True)
        return asyncio.run(alone.run(sock))
