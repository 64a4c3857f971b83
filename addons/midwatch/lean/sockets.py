"""Patch `handed-sockets`: the proxy listens on sockets it was given, or shares its port with other workers.

A supervisor binds the sockets once and hands them to each worker it starts, so that a worker that dies takes no
waiting connection with it. Where that cannot be, each worker binds the same port with SO_REUSEPORT.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mitmproxy import ctx
from mitmproxy.proxy.mode_servers import AsyncioServerInstance

from midwatch.lean.patch import Guard, Patch, Replacement

BACKLOG = 4096
"""Connections the kernel keeps waiting; asyncio's own default is 100."""

ACCEPT_AT_ONCE = 8
"""Connections taken from a socket that others share, before they get a chance: asyncio takes its whole backlog."""

_STOCK_LISTEN = AsyncioServerInstance.listen


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """How the TCP modes get their sockets: those handed over, by port; others are bound by ourselves."""

    sockets: tuple[socket.socket, ...] = ()
    reuse_port: bool = False

    def handed(self, host: str, port: int) -> list[socket.socket]:
        """The handed sockets that are bound to `port` and, where `host` is an address and not a name, to it."""
        return [s for s in self.sockets if s.getsockname()[1] == port and _is_at(s, host)]


def bind(host: str, port: int, *, reuse_port: bool = False) -> tuple[socket.socket, ...]:
    """Bind TCP sockets for a supervisor to hand on: inheritable, not yet listening; "" is every interface.

    With port 0 all of them share one free port. Raises OSError when the address is taken.
    """
    bound: list[socket.socket] = []
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            at = bound[0].getsockname()[1] if bound and port == 0 else port
            bound.append(_bound(family, (address[0], at, *address[2:]), reuse_port=reuse_port))
    except OSError:
        for sock in bound:
            sock.close()
        raise
    return tuple(bound)


def _bound(family: int, address: tuple[Any, ...], *, reuse_port: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.set_inheritable(True)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _is_at(sock: socket.socket, host: str) -> bool:
    try:
        wanted = ipaddress.ip_address(host)
    except ValueError:
        return True  # a name, or "" for every interface: the port decides
    return ipaddress.ip_address(sock.getsockname()[0].split("%")[0]) == wanted


async def _listen(self: AsyncioServerInstance[Any], host: str, port: int) -> list[Any]:
    """Stand in for `AsyncioServerInstance.listen`: handed sockets first, then our own with a long backlog.

    A mode that speaks TCP and UDP (`reverse:https://…`) is served on its handed TCP sockets alone: without HTTP/3,
    which several workers could not share.
    """
    listening: Listening = getattr(ctx.master, "listening", Listening())
    if self.mode.transport_protocol == "udp" or port == 0:
        return await _STOCK_LISTEN(self, host, port)
    if handed := listening.handed(host, port):
        return [await _serve_on(sock, self.handle_stream) for sock in handed]
    if self.mode.transport_protocol != "tcp":
        return await _STOCK_LISTEN(self, host, port)
    reuse_port = listening.reuse_port or None
    return [await asyncio.start_server(self.handle_stream, host, port, backlog=BACKLOG, reuse_port=reuse_port)]


async def _serve_on(sock: socket.socket, handle: Callable[..., Awaitable[None]]) -> asyncio.Server:
    # asyncio sets this only where the accepting socket was made with an explicit protocol; accepted sockets inherit
    # it. Without it, Nagle's algorithm costs 40 ms an exchange.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = await asyncio.start_server(handle, sock=sock, backlog=ACCEPT_AT_ONCE)
    sock.listen(BACKLOG)
    return server


def sockets_from(descriptors: Sequence[int]) -> tuple[socket.socket, ...]:
    """The sockets behind inherited file descriptors, for `Listening`."""
    found = tuple(socket.socket(fileno=descriptor) for descriptor in descriptors)
    for sock in found:
        sock.setblocking(False)
    return found


HANDED_SOCKETS = Patch(
    name="handed-sockets",
    changes="TCP modes listen on sockets handed to the master, or with SO_REUSEPORT, with a backlog of 4096",
    replacements=(Replacement(owner=AsyncioServerInstance, name="listen", new=_listen),),
    guards=(Guard(owner=AsyncioServerInstance, name="listen", digest="7670a9038b44170d"),),
)
