"""Midwatch inside somebody else's mitmproxy: `mitmdump -s run.py` and `mitmweb -s run.py` are workers then.

The host joins the home's control process, or starts one that lives as long as the host does.
"""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader

from midwatch.crew.bound_sockets import bound
from midwatch.crew.child import EXIT_HELD
from midwatch.home import Home
from midwatch.lean.patch import PatchSet
from midwatch.lean.socket_asides import SOCKET_ASIDES
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.open_relay import refuse_open_relay
from midwatch.proxy.suite import Suite, build
from midwatch.settings import catalogue_of, dialects_of, placed, resolve, write_snapshot
from midwatch.start_checks import check_secrets
from midwatch.trust import write_upstream_bundle
from midwatch.viewer.viewer import Viewer, viewer_of
from midwatch_core.config import default_home
from midwatch_core.errors import ConfigError

logger = logging.getLogger(__name__)
_CONTROL_END_S = 10.0


class ScriptHost:
    """The addon mitmproxy sees: it makes the suite when mitmproxy runs, and ends what it started."""

    name = "midwatch"

    def __init__(self) -> None:
        self._suite: Suite | None = None
        self._viewer: Viewer | None = None
        self._control: subprocess.Popen[bytes] | None = None
        self._pipe: tuple[int, int] | None = None
        # The one patch that somebody else's mitmproxy gets: its own way to send WebSocket messages garbles them.
        self._patches = PatchSet([SOCKET_ASIDES])

    def load(self, loader: Loader) -> None:
        """Add our two options."""
        loader.add_option("midwatch_home", str, "", "Midwatch's home; default $MIDWATCH_HOME or ~/.midwatch.")
        loader.add_option("midwatch_config", str, "", "Midwatch's settings; default config.yaml in the home.")

    async def running(self) -> None:
        """mitmproxy is up: build the suite and join control."""
        try:
            suite = await self._start()
        except ConfigError as error:
            logger.error("Midwatch does not watch: %s", error)
            ctx.master.shutdown()
            return
        self._suite, self._viewer = suite, viewer_of(suite)
        self._patches.apply()
        ctx.options.update(**suite.upstream.options)
        ctx.master.addons.add(*self._viewer.addons)
        await suite.start()
        self._viewer.start()

    async def done(self) -> None:
        """mitmproxy ends; it may do so without ever having run."""
        self._patches.revert()
        if self._viewer is not None:
            await self._viewer.stop()
        if self._suite is not None:
            await self._suite.stop()
        if self._pipe is not None:
            os.close(self._pipe[1])  # control sees its parent go, stores what is left, and ends
        if self._control is not None:
            await asyncio.to_thread(_wait_or_kill, self._control)

    async def _start(self) -> Suite:
        home = Home((Path(ctx.options.midwatch_home) if ctx.options.midwatch_home else default_home()).absolute())
        config_file = Path(ctx.options.midwatch_config) if ctx.options.midwatch_config else None
        home.prepare()
        resolved = resolve(home, config_file=config_file, flags={})
        settings = placed(resolved, listen=_listen(), mode=tuple(ctx.options.mode))
        check_secrets(settings.config)
        _warn_of_relay(required=settings.config.identity.required)
        catalogue_of(settings, dialects_of(settings.plugins))
        if settings.config.upstream_ca is not None:
            write_upstream_bundle(home, settings.config.upstream_ca)
            ctx.options.update(ssl_verify_upstream_trusted_ca=str(home.upstream_bundle))
        if settings.config.identity.client_ca is not None:
            ctx.options.update(request_client_cert=True)
        # A request beyond this streams on unread, instead of being held in memory whole.
        ctx.options.update(
            stream_large_bodies=str(settings.config.max_inspect_bytes), tcp_timeout=settings.config.connections.idle_s
        )
        if not await _control_lives(home):
            settings = replace(settings, stamp=write_snapshot(settings))
            self._start_control(home, settings.config.console)
        return build(settings, name=f"script-{os.getpid()}")

    def _start_control(self, home: Home, console: str) -> None:
        self._pipe = os.pipe()
        # Private: this proxy is mitmproxy's, with its CA and its port, and `exec` knows neither.
        words = ["--home", str(home.root), "--parent", str(self._pipe[0]), "--private"]
        descriptors = [self._pipe[0]]
        sock = _console_socket(console)
        if sock is not None:
            words += ["--console-fd", str(sock.fileno())]
            descriptors.append(sock.fileno())
        # A session of its own: Ctrl-C in the terminal is for mitmproxy, which tells control in its own time.
        self._control = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", "midwatch.control.process", *words],
            pass_fds=descriptors,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        os.close(self._pipe[0])
        if sock is not None:
            sock.close()


def _warn_of_relay(*, required: bool) -> None:
    """mitmproxy listens everywhere unless told otherwise, and is whoever's who started it: it is not for us to end."""
    try:
        refuse_open_relay(ctx.options.mode, _listen(), required=required)
    except ConfigError as error:
        logger.warning("%s; or give mitmproxy --listen-host 127.0.0.1", error)


def _listen() -> str:
    """Where mitmproxy listens, HOST:PORT, unless a mode says so itself."""
    host = ctx.options.listen_host or "0.0.0.0"  # noqa: S104  # its default
    return f"[{host}]:{ctx.options.listen_port or 8080}" if ":" in host else f"{host}:{ctx.options.listen_port or 8080}"


def _console_socket(console: str) -> socket.socket | None:
    try:
        return bound(console, "console")
    except ConfigError as error:
        logger.warning("Midwatch has no console: %s", error)
        return None


async def _control_lives(home: Home) -> bool:
    try:
        await LineClient(home.control_socket).ask({"op": "status"}, timeout_s=2.0)
    except ControlAbsentError:
        return False
    return True


def _wait_or_kill(process: subprocess.Popen[Any]) -> None:
    try:
        code = process.wait(_CONTROL_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    if code not in (0, EXIT_HELD):
        logger.error("Midwatch's control process ended with exit code %s", code)


addons = [ScriptHost()]
