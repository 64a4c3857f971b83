"""`exec`: run a command with its LLM calls watched, by the proxy that runs in this home or by one of its own."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midwatch.clients import client_environment
from midwatch.crew.supervisor import Supervisor
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.logs import set_up_logs
from midwatch.starting import prepare
from midwatch.trust import write_client_bundle
from midwatch_core.errors import ConfigError

# Plugins may be given a minute to load what they need.
_READY_S = 90.0
_LOOK_S = 0.1


def execute(command: list[str], home: Home, config_file: Path | None, app: str | None) -> int:
    """Run `command`; its own exit code. 127 where there is no such command."""
    if app is not None and not re.fullmatch(r"[\w.-]{1,64}", app):
        raise ConfigError(f"--app {app}: expected letters, digits, dots and dashes")
    os.environ.setdefault("MIDWATCH_LOG_LEVEL", "WARNING")
    set_up_logs("exec")
    return asyncio.run(_execute(command, home, config_file, app))


async def _execute(command: list[str], home: Home, config_file: Path | None, app: str | None) -> int:
    listen = await _running(home, config_file)
    if listen is not None:
        return await _child(command, home, listen, app)
    flags = {"listen": "127.0.0.1:0", "console": "127.0.0.1:0"}
    ready = prepare(home, config_file=config_file, flags=flags)
    supervisor = Supervisor(home, ready.settings.config, ready.sockets, private=True)
    supervisor.start()
    try:
        # Connections would wait by themselves, but a command's own patience with its proxy may be short.
        if not await supervisor.listening(_READY_S):
            print("midwatch: the proxy did not come up; the command was not run", file=sys.stderr)
            return 1
        return await _child(command, home, ready.settings.config.listen, app)
    finally:
        await supervisor.stop()


async def _running(home: Home, config_file: Path | None) -> str | None:
    """Where the proxy of this home listens, if one runs; one just starting is waited for. Raises ConfigError."""
    client = LineClient(home.control_socket)
    deadline_s = time.monotonic() + _READY_S
    while True:
        try:
            status = await client.ask({"op": "status"}, timeout_s=2.0)
        except ControlAbsentError:
            return None
        if status["private"]:
            return None
        _check_joins(config_file, status)
        if status["ready"]:
            return str(status["listen"])
        if time.monotonic() > deadline_s:
            raise ConfigError(f"--home {home.root}: Midwatch runs there but is not ready; see its log, or end it")
        await asyncio.sleep(_LOOK_S)


def _check_joins(config_file: Path | None, status: Mapping[str, Any]) -> None:
    if config_file is not None and str(config_file.absolute()) != status["config_file"]:
        raise ConfigError(
            f"--config {config_file}: a proxy with other settings runs in this home;"
            " leave --config out to join it, or name another --home"
        )


def _proxy_url(listen: str, app: str | None, key: str | None) -> str:
    """The proxy as the command is told of it. A key is the password; `-` is a user without a name."""
    user = f"{app or '-'}:{key}@" if key else f"{app}@" if app else ""
    return f"http://{user}{listen}"


async def _child(command: list[str], home: Home, listen: str, app: str | None) -> int:
    environ = client_environment(
        os.environ,
        proxy_url=_proxy_url(listen, app, os.environ.get("MIDWATCH_KEY")),
        bundle=write_client_bundle(home),
        ca=home.ca_certificate,
        java_store=home.java_store,
    )
    try:
        process = await asyncio.create_subprocess_exec(*command, env=environ)
    except OSError as error:
        print(f"midwatch: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127 if isinstance(error, FileNotFoundError) else 126
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C reaches the command itself: its end is ours
    loop.add_signal_handler(signal.SIGTERM, process.send_signal, signal.SIGTERM)
    code = await process.wait()
    return 128 - code if code < 0 else code
