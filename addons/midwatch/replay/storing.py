"""Somebody must take from the journal what is replayed: the control process that runs in the home, else one of ours."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from midwatch.crew.supervisor import Supervisor
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.settings import Settings, read_snapshot
from midwatch.starting import prepare
from midwatch_core.errors import ConfigError

_LOOK_S = 0.2
# Control says every five seconds whether all is stored.
_STORED_S = 600.0
_START_S = 60.0
_ANSWER_S = 15.0


@asynccontextmanager
async def storing(home: Home, config_file: Path | None) -> AsyncIterator[Settings]:
    """Settings under which to replay, while control stores what comes. Raises ConfigError."""
    try:
        status = await LineClient(home.control_socket).ask({"op": "status"})
    except ControlAbsentError:
        async with _own_control(home, config_file) as settings:
            yield settings
        return
    _check_joins(config_file, status)
    yield read_snapshot(home)


def _check_joins(config_file: Path | None, status: Mapping[str, Any]) -> None:
    if config_file is not None and str(config_file.absolute()) != status["config_file"]:
        raise ConfigError(f"--config {config_file}: Midwatch runs in this home with other settings; leave --config out")


async def stored(home: Home) -> bool:
    """Wait until all that is in the journal is stored; False where it takes too long, or nobody does it."""
    client = LineClient(home.control_socket)
    until_s = time.monotonic() + _STORED_S
    while time.monotonic() < until_s:
        try:
            if (await client.ask({"op": "sync"}, timeout_s=_ANSWER_S))["caught_up"]:
                return True
        except ControlAbsentError:
            return False
    return False


@asynccontextmanager
async def _own_control(home: Home, config_file: Path | None) -> AsyncIterator[Settings]:
    """A control process without workers, for as long as it is needed. Raises ConfigError where it does not start."""
    nowhere = "127.0.0.1:0"
    ready = prepare(home, config_file=config_file, flags={"listen": nowhere, "console": nowhere, "mode": ["regular"]})
    alone = ready.settings.config.model_copy(update={"workers": 0})
    supervisor = Supervisor(home, alone, ready.sockets, private=True)
    supervisor.start()
    refused = asyncio.create_task(supervisor.refused())
    try:
        await _answering(home, refused)
        yield ready.settings
    finally:
        refused.cancel()
        await supervisor.stop()


async def _answering(home: Home, refused: "asyncio.Task[None]") -> None:
    client = LineClient(home.control_socket)
    until_s = time.monotonic() + _START_S
    while not refused.done() and time.monotonic() < until_s:
        try:
            await client.ask({"op": "status"}, timeout_s=2.0)
        except ControlAbsentError:
            await asyncio.sleep(_LOOK_S)
        else:
            return
    raise ConfigError(f"--home {home.root}: the store can't be opened, as is said above")
