"""The supervisor: holds the listening sockets, starts workers and control, restarts each with backoff; nothing else."""

import asyncio
import os
import signal
import socket
import sys
from dataclasses import dataclass

from midwatch.child import Child
from midwatch.home import Home
from midwatch.modes import UNBOUND, place_of
from midwatch_core.config import Config, split_address
from midwatch_core.errors import ConfigError

BACKLOG = 4096
_KILL_GRACE_S = 5.0


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
    except UnicodeError as error:
        sock.close()
        raise ConfigError(f"{what} {address}: no name of a host; choose another with {what} HOST:PORT") from error
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
    places = [place_of(spec, config.listen) for spec in config.mode]
    return [
        bound(place.address, "--mode") if place.named else bound(config.listen, "--listen")
        for place in places
        if place.kind not in UNBOUND
    ]


def _command(module: str, home: Home, parent: str, *words: str) -> list[str]:
    return [sys.executable, "-m", module, "--home", str(home.root), "--parent", parent, *words]


class Supervisor:
    """Runs workers and control for a home whose snapshot is written and whose sockets are bound."""

    def __init__(self, home: Home, config: Config, sockets: Sockets, *, private: bool = False) -> None:
        """`private`: this proxy ends with the command it was started for, so no other may join it."""
        self._config = config
        self._sockets = sockets
        # Children hold the read end: when the supervisor dies, however it does, they see the pipe close.
        self._pipe = os.pipe()
        os.set_inheritable(self._pipe[0], True)
        parent = str(self._pipe[0])
        fds = [sock.fileno() for sock in sockets.proxy]
        # Told by word and not by the snapshot: another supervisor of this home may have written its own meanwhile.
        where = ["--fds", ",".join(map(str, fds)), "--listen", config.listen]
        modes = [word for mode in config.mode for word in ("--mode", mode)]
        self.workers = [
            Child(
                f"worker {index}",
                _command("midwatch.proxy.worker", home, parent, "--name", f"w{index}", *where, *modes),
                [*fds, self._pipe[0]],
            )
            for index in range(config.workers)
        ]
        console = sockets.console.fileno()
        self.control = Child(
            "control",
            _command(
                "midwatch.control.process",
                home,
                parent,
                *("--console-fd", str(console), "--console", config.console, "--listen", config.listen),
                *(["--private"] if private else []),
            ),
            [console, self._pipe[0]],
        )
        self._children = [*self.workers, self.control]

    def start(self) -> None:
        """Start all children, in the running loop."""
        for child in self._children:
            child.start()

    async def listening(self, within_s: float) -> bool:
        """Wait until every worker answers what connects; False where one will not with these settings, or not yet."""
        await asyncio.gather(*(worker.arrived(within_s) for worker in self.workers))
        return all(worker.at_work for worker in self.workers)

    def reload(self) -> None:
        """Ask control to reload; it tells the workers."""
        self.control.signal(signal.SIGHUP)

    async def refused(self) -> None:
        """Wait for the first child that will not start with these settings; it has said why."""
        waiting = [asyncio.create_task(child.refused.wait()) for child in self._children]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    def kill(self) -> None:
        """End all children at once: what is in flight is cut, what is journalled waits for the next start."""
        for child in self._children:
            child.kill()

    async def stop(self) -> int:
        """Drain the workers, then let control store what they left; 0 when all ended in order."""
        drain_s = self._config.drain_s + _KILL_GRACE_S
        endings = [asyncio.create_task(worker.stop(drain_s)) for worker in self.workers]
        await asyncio.sleep(0)  # all are told: none will be started again, so nobody needs the sockets any more
        for sock in self._sockets.proxy:
            sock.close()  # while calls in flight end, new ones are refused and do not wait for nobody
        in_order = list(await asyncio.gather(*endings))
        in_order.append(await self.control.stop(drain_s, when_ready=True))
        for descriptor in self._pipe:
            os.close(descriptor)
        return 0 if all(in_order) else 1
