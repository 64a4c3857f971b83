"""Listening sockets: bound once, before anything starts, and held for whoever serves them."""

import socket
from contextlib import ExitStack
from dataclasses import dataclass

from midwatch.modes import UNBOUND, place_of
from midwatch_core.config import Config, split_address
from midwatch_core.errors import ConfigError

BACKLOG = 4096


def bound(address: str, what: str) -> socket.socket:
    """A listening socket at HOST:PORT. Raises ConfigError that says what to do where it can't be had."""
    host, port = split_address(address)
    try:
        return _listening(host, port)
    except OSError as error:
        raise ConfigError(f"{what} {address}: {error.strerror}; choose another with {what} HOST:PORT") from error
    except UnicodeError as error:
        raise ConfigError(f"{what} {address}: no name of a host; choose another with {what} HOST:PORT") from error


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as unless_listening:
        sock = unless_listening.enter_context(socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # `[::]` is every address of both families, whatever the system's default is.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((host, port))
        sock.listen(BACKLOG)  # who bound the same address in the same moment may have been first here
        sock.set_inheritable(True)
        unless_listening.pop_all()
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
