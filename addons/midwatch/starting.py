"""Starting: from flags to a running supervisor, for `start`, `exec` and `demo` alike."""

import asyncio
import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch.crew.bound_sockets import Sockets, address_of
from midwatch.crew.child import EXIT_WRONG_USE
from midwatch.crew.supervisor import Supervisor
from midwatch.hangup import heed_reloads
from midwatch.home import Home
from midwatch.settings import Settings, catalogue_of, dialects_of, policy_of, resolve, write_snapshot
from midwatch.start_checks import check_start
from midwatch.trust import ensure_ca, write_upstream_bundle
from midwatch_core.errors import ConfigError
from midwatch_core.secret_text import masked

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """All that is needed to start: settings checked, sockets bound, CA and snapshot in place."""

    settings: Settings
    sockets: Sockets


def prepare(home: Home, *, config_file: Path | None, flags: Mapping[str, Any]) -> Ready:
    """Check everything that can be checked before a process is started. Raises ConfigError."""
    home.prepare()
    settings = resolve(home, config_file=config_file, flags=flags)
    _check(settings)
    sockets = Sockets.bind(settings.config)
    config = settings.config.model_copy(
        update={"listen": address_of(sockets.proxy[0]), "console": address_of(sockets.console)}
        if sockets.proxy
        else {"console": address_of(sockets.console)}
    )
    settings = Settings(home=home, config=config, plugins=settings.plugins, sources=settings.sources)
    write_snapshot(settings)
    return Ready(settings=settings, sockets=sockets)


def _check(settings: Settings) -> None:
    """What else could be wrong: modes, providers, the policy, stores, certificates, and what `start_checks` refuse."""
    _check_modes(settings.config.mode)
    catalogue_of(settings, dialects_of(settings.plugins))
    policy_of(settings)
    check_start(settings)
    ensure_ca(settings.home, settings.config.tls.ca)
    if settings.config.upstream_ca is not None:
        write_upstream_bundle(settings.home, settings.config.upstream_ca)


def _check_modes(modes: tuple[str, ...]) -> None:
    if modes == ("regular",):
        return
    from mitmproxy.proxy.mode_specs import ProxyMode

    for spec in modes:
        try:
            ProxyMode.parse(spec)
        except ValueError as error:
            raise ConfigError(f"--mode {masked(spec)}: {error}") from error


async def run(ready: Ready) -> int:
    """Run until SIGTERM or SIGINT; the second one ends at once. The exit code."""
    supervisor = Supervisor(ready.settings.home, ready.settings.config, ready.sockets)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, stopping, supervisor)
    loop.add_signal_handler(signal.SIGHUP, supervisor.reload)
    heed_reloads()
    supervisor.start()
    refused = asyncio.create_task(supervisor.refused())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait([refused, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    code = await supervisor.stop()
    return EXIT_WRONG_USE if refused.done() else code


def _stop(stopping: asyncio.Event, supervisor: Supervisor) -> None:
    if stopping.is_set():
        supervisor.kill()
    stopping.set()
