"""`doctor`: is the installation sound."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from midwatch.cli.printing import print_json, print_table
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.settings import Settings, catalogue_of, dialects_of, resolve
from midwatch.trust import public_cas
from midwatch_core.config import split_address
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.storage import open_storage, storage_urls

_CLOCK_FLOOR_S = 1_760_000_000  # October 2025: a clock before this makes certificates of the future


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `ok` None means: as it may be, but worth knowing."""

    name: str
    ok: bool | None
    says: str


def examine(home: Home, config_file: Path | None, *, as_json: bool) -> int:
    """Print all checks; 1 where one failed."""
    checks = list(_checks(home, config_file))
    if as_json:
        print_json(asdict(check) for check in checks)
    else:
        marks = {True: "ok", False: "FAILED", None: "note"}
        print_table("", ("", "check", ""), [(marks[check.ok], check.name, check.says) for check in checks])
    return 1 if any(check.ok is False for check in checks) else 0


def _checks(home: Home, config_file: Path | None) -> Iterator[Check]:
    yield _attempt("home", lambda: _prepared(home))
    try:
        settings = resolve(home, config_file=config_file, flags={})
    except ConfigError as error:
        yield Check("configuration", False, str(error))
        return
    yield Check("configuration", True, str(settings.sources.file or "defaults"))
    yield Check("clock", time.time() > _CLOCK_FLOOR_S, time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))
    yield _ca(home)
    status = _status(home)
    for name, address in (("proxy", settings.config.listen), ("console", settings.config.console)):
        yield _port(name, address, running=status is not None)
    yield Check("running", None, f"yes, pid {status['pid']}, ready: {status['ready']}" if status else "no")
    yield _attempt("store", lambda: asyncio.run(_open_store(settings, home)))
    yield _attempt("providers", lambda: f"{len(catalogue_of(settings, dialects_of(settings.plugins)).providers)} known")
    for plugin in settings.plugins.list():
        yield Check(f"plugin {plugin.name}", plugin.error is None, plugin.error or plugin.version)


def _prepared(home: Home) -> str:
    home.prepare()
    return str(home.root)


def _attempt(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except (ConfigError, StorageError) as error:
        return Check(name, False, str(error))


def _ca(home: Home) -> Check:
    if not home.ca_certificate.exists():
        return Check("CA", None, "none yet: made at the first start")
    lines = home.ca_certificate.read_bytes().strip()
    trusted = lines in public_cas()
    where = "trusted by this environment" if trusted else "not trusted system-wide: use exec, or see `ca`"
    return Check("CA", True if trusted else None, f"{home.ca_certificate}: {where}")


def _port(name: str, address: str, *, running: bool) -> Check:
    host, port = split_address(address)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as error:
            if running:
                return Check(f"{name} port", True, f"{address} in use by Midwatch")
            return Check(f"{name} port", False, f"{address}: {error.strerror}")
    return Check(f"{name} port", True, f"{address} is free")


def _status(home: Home) -> dict[str, object] | None:
    try:
        answer: dict[str, object] = asyncio.run(LineClient(home.control_socket).ask({"op": "status"}, timeout_s=3.0))
    except ControlAbsentError:
        return None
    return answer


async def _open_store(settings: Settings, home: Home) -> str:
    urls = storage_urls(settings.config, home.root)
    storage = open_storage(settings.plugins, urls)
    await storage.start()
    await storage.close()
    return urls.traces
