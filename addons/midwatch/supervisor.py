"""The supervisor: holds the listening sockets, starts workers and control, restarts each with backoff; nothing else."""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from midwatch.home import Home
from midwatch_core.config import Config, split_address
from midwatch_core.errors import ConfigError

logger = logging.getLogger(__name__)
BACKLOG = 4096
_FIRST_DELAY_S, _LAST_DELAY_S = 0.1, 10.0
# A child that lived this long is healthy: its next death starts the backoff anew.
_HEALTHY_S = 10.0
_KILL_GRACE_S = 5.0
_EXIT_HELD = 75


def bound(address: str, what: str) -> socket.socket:
    """A listening socket at HOST:PORT. Raises ConfigError that says what to do where it can't be had."""
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise ConfigError(f"{what} {address}: {error.strerror}; choose another with {what} HOST:PORT") from error
    sock.listen(BACKLOG)
    sock.set_inheritable(True)
    return sock


def address_of(sock: socket.socket) -> str:
    """HOST:PORT of a socket, which tells the port where 0 was asked for."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sockets:
    """What the supervisor holds for its children."""

    proxy: tuple[socket.socket, ...]
    console: socket.socket

    @classmethod
    def bind(cls, config: Config) -> "Sockets":
        """Bind all. Raises ConfigError."""
        return cls(proxy=tuple(_mode_sockets(config)), console=bound(config.console, "--console"))


def _mode_sockets(config: Config) -> list[socket.socket]:
    """One socket a TCP mode: its own address where it names one (`reverse:…@9000`), else `listen`."""
    found = []
    for spec in config.mode:
        head, _, at = spec.rpartition("@")
        own = bool(head) and at.rpartition(":")[2].isdigit()
        if spec.startswith(("dns", "wireguard", "local", "tun")):
            continue
        if not own:
            found.append(bound(config.listen, "--listen"))
        else:
            default_host = split_address(config.listen)[0]
            found.append(bound(at if ":" in at else f"{default_host}:{at}", "--mode"))
    return found


class Child:
    """One process that is to live: started, watched, started again."""

    def __init__(self, name: str, command: Sequence[str], descriptors: Sequence[int]) -> None:
        self.name = name
        self._command = list(command)
        self._descriptors = list(descriptors)
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The living process."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def keep(self) -> None:
        """Keep it alive until `stop`."""
        delay_s = _FIRST_DELAY_S
        while not self._stopping:
            began = time.monotonic()
            self._process = await asyncio.create_subprocess_exec(
                *self._command, pass_fds=self._descriptors, start_new_session=True, stdin=asyncio.subprocess.DEVNULL
            )
            code = await self._process.wait()
            if self._stopping:
                return
            lived_s = time.monotonic() - began
            if code == _EXIT_HELD:
                delay_s = 1.0
            else:
                self.restarts += 1
                delay_s = _FIRST_DELAY_S if lived_s > _HEALTHY_S else min(delay_s * 2, _LAST_DELAY_S)
                logger.error("%s ended (%s) after %.1f s; again in %.1f s", self.name, _ending(code), lived_s, delay_s)
            await asyncio.sleep(delay_s)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it lives."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self, deadline_s: float) -> int | None:
        """SIGTERM, and SIGKILL after the deadline; the exit code."""
        self._stopping = True
        if self._process is None:
            return None
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(deadline_s):
                return await self._process.wait()
        except TimeoutError:
            logger.error("%s did not end within %.0f s: killed", self.name, deadline_s)
            self.signal(signal.SIGKILL)
            return await self._process.wait()


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _command(module: str, home: Home, parent: str, *words: str) -> list[str]:
    return [sys.executable, "-m", module, "--home", str(home.root), "--parent", parent, *words]


class Supervisor:
    """Runs workers and control for a home whose snapshot is written and whose sockets are bound."""

    def __init__(self, home: Home, config: Config, sockets: Sockets, *, with_control: bool = True) -> None:
        self._config = config
        # Children hold the read end: when the supervisor dies, however it does, they see the pipe close.
        self._pipe = os.pipe()
        os.set_inheritable(self._pipe[0], True)
        parent = str(self._pipe[0])
        fds = [sock.fileno() for sock in sockets.proxy]
        listening = ",".join(map(str, fds))
        self.workers = [
            Child(
                f"worker {index}",
                _command("midwatch.proxy.worker", home, parent, "--name", f"w{index}", "--fds", listening),
                [*fds, self._pipe[0]],
            )
            for index in range(config.workers)
        ]
        console = sockets.console.fileno()
        self.control = Child(
            "control",
            _command("midwatch.control.process", home, parent, "--console-fd", str(console)),
            [console, self._pipe[0]],
        )
        self._children = [*self.workers, self.control] if with_control else self.workers
        self._keepers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start all children, in the running loop."""
        self._keepers = [asyncio.create_task(child.keep(), name=child.name) for child in self._children]

    def reload(self) -> None:
        """Ask control to reload; it tells the workers."""
        self.control.signal(signal.SIGHUP)

    async def stop(self) -> int:
        """Drain the workers, then let control store what they left; 0 when all ended in order."""
        drain_s = self._config.drain_s + _KILL_GRACE_S
        codes = await asyncio.gather(*(worker.stop(drain_s) for worker in self.workers))
        if self.control in self._children:
            codes.append(await self.control.stop(drain_s))
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for descriptor in self._pipe:
            os.close(descriptor)
        return 0 if all(code in (0, None, _EXIT_HELD) for code in codes) else 1
