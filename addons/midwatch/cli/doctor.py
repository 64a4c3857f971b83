"""`doctor`: is the installation sound."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from midwatch.cli.ca_checks import ca_checks
from midwatch.cli.hosts import pinned_now, who
from midwatch.cli.model_checks import model_checks
from midwatch.cli.printing import print_json, print_table, visible
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.open_relay import refuse_open_relay
from midwatch.schemas import COMMAND, STORES, standing
from midwatch.settings import Settings, catalogue_of, dialects_of, resolve
from midwatch_core.config import split_address
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.secret_text import masked, without_secrets
from midwatch_core.storage import StorageProfile, open_cache, storage_profile

_MOST_PINS = 20
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
    yield from (Check(*told) for told in ca_checks(home, settings.config.tls.ca))
    status = _status(home)
    for name, address in (("proxy", settings.config.listen), ("console", settings.config.console)):
        yield _port(name, address, running=status is not None)
    yield Check("running", None, f"yes, pid {status['pid']}, ready: {status['ready']}" if status else "no")
    yield from _workers(status or {})
    yield _attempt("listeners", lambda: _listeners(settings))
    yield from _stores(settings, home)
    yield _attempt("providers", lambda: f"{len(catalogue_of(settings, dialects_of(settings.plugins)).providers)} known")
    yield from _pinned(home)
    yield from (Check(*told) for told in model_checks(status or {}))
    for plugin in settings.plugins.list():
        yield Check(f"plugin {plugin.name}", plugin.error is None, plugin.error or plugin.version)


def _workers(status: dict[str, Any]) -> Iterator[Check]:
    """Those that die again and again; those that only end what they began are told of."""
    for name in status.get("workers_degraded", ()):
        yield Check(f"worker {name}", False, "it dies again and again: the log says how")
    if leaving := status.get("workers_leaving"):
        yield Check("workers", None, f"replaced, and ending their last calls: {', '.join(leaving)}")


def _pinned(home: Home) -> Iterator[Check]:
    """Clients that refused our certificate, one line each: what they say is not read."""
    try:
        pins = pinned_now(home)
    except ConfigError as error:
        yield Check("pinned", False, str(error))
        return
    for pin in pins[:_MOST_PINS]:
        until = f"{pin.until:%F %R} UTC"
        yield Check(f"pinned {pin.host}", None, f"{who(pin)} passes unread until {until}: {visible(pin.why)}")
    if len(pins) > _MOST_PINS:
        yield Check("pinned", None, f"and {len(pins) - _MOST_PINS} more: see `hosts pinned`")
    if pins:
        yield Check("pinned", None, "have these clients trust the CA (see `ca`), then: hosts unpin")


def _listeners(settings: Settings) -> str:
    config = settings.config
    refuse_open_relay(config.mode, config.listen, required=config.identity.required)
    return "callers must say who they are" if config.identity.required else "no open relay"


def _prepared(home: Home) -> str:
    home.prepare()
    return str(home.root)


def _attempt(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except (ConfigError, StorageError) as error:
        return Check(name, False, str(error))


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


def _status(home: Home) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = asyncio.run(LineClient(home.control_socket).ask({"op": "status"}, timeout_s=3.0))
    except ControlAbsentError:
        return None
    return answer


def _stores(settings: Settings, home: Home) -> Iterator[Check]:
    try:
        profile = storage_profile(settings.config, home.root)
    except ConfigError as error:
        yield Check("stores", False, str(error))
        return
    for name in STORES:
        yield _schema(settings, profile, name)
    yield _attempt("cache", lambda: asyncio.run(_reach_cache(settings, profile)))


def _schema(settings: Settings, profile: StorageProfile, name: str) -> Check:
    """One store: reached or not, its schema current, or what brings it there."""
    try:
        found = asyncio.run(standing(settings.plugins, profile, name))
    except ConfigError as error:
        return Check(name, False, str(error))
    if found.error or (found.state is not None and found.state.problem):
        return Check(name, False, f"{found.url}: {found.trouble}")
    if found.trouble is None:
        return Check(name, True, f"{found.url}: schema {found.state.current if found.state else 'none needed'}")
    if profile.migrates:
        return Check(name, None, f"{found.url}: {found.trouble}; the next start brings it there")
    return Check(name, False, f"{found.url}: {found.trouble}; run: {COMMAND}")


async def _reach_cache(settings: Settings, profile: StorageProfile) -> str:
    cache = open_cache(settings.plugins, profile)
    try:
        await cache.start()
        await cache.ttl("midwatch:doctor")
    except StorageError as error:
        raise StorageError(f"{masked(profile.cache)}: {without_secrets(str(error), profile.cache)}") from error
    finally:
        await cache.close()
    return masked(profile.cache)
