"""Patch `held-reading`: a client is not read ahead without measure while its server is being connected to.

Stock reads on, and holds in memory what the layers have no use for yet: a body that is sent to an address where nobody
answers grows as fast as it comes, for the two minutes that the kernel tries. Here a megabyte is read, and the rest
waits in the client, and addons hear of it. One of HTTP/2 is let be: its other streams go on, and to hosts that are
decrypted, which answer. What is read of HTTP/1 for an HTTP/2 side that does not take it waits here too: see
`http2-windows`.
"""

from __future__ import annotations

import asyncio

from mitmproxy.proxy.server import ConnectionHandler

from midwatch.lean.edges import HELD, Edge, MidwatchEdgeHook
from midwatch.lean.http2_windows import until_taken
from midwatch.lean.patch import Guard, Patch, Replacement

MAX_READS = 16
"""So often a client is read, 64 KB each, while a server is being connected to."""

_LOOK_S = 0.01
_READS, _WAITS = "midwatch_reads_ahead", "midwatch_client_waits"
_STOCK = ConnectionHandler.drain_writers


async def drain_writers(self: ConnectionHandler) -> None:
    """Stand in for `ConnectionHandler.drain_writers`, which is called after each read."""
    if not _is_clients_turn(self):
        self.__dict__.pop(_READS, None)
        await _STOCK(self)  # type: ignore[no-untyped-call]  # mitmproxy leaves it untyped
        await _until_taken(self)
        return
    self.__dict__[_WAITS] = True
    try:
        await _hold(self)
        await _STOCK(self)  # type: ignore[no-untyped-call]  # as above
        await until_taken(self.client)
    finally:
        del self.__dict__[_WAITS]


def keeps_waiting(handler: ConnectionHandler) -> bool:
    """Whether its client is not read just now, for what it sent before has to go on first: by no fault of its own."""
    return _WAITS in handler.__dict__


async def _until_taken(handler: ConnectionHandler) -> None:
    """The server whose turn it is is read again when its client of HTTP/2 has taken what came."""
    task = asyncio.current_task()
    server = next((connection for connection, io in handler.transports.items() if io.handler is task), None)
    if server is not None:
        await until_taken(server)


async def _hold(handler: ConnectionHandler) -> None:
    if not _is_opening(handler) or handler.client.alpn == b"h2":
        handler.__dict__.pop(_READS, None)
        return
    reads = handler.__dict__[_READS] = handler.__dict__.get(_READS, 0) + 1
    if reads == MAX_READS + 1:
        await handler.handle_hook(MidwatchEdgeHook(Edge(client=handler.client, kind=HELD)))
    while reads > MAX_READS and _is_opening(handler):  # noqa: ASYNC110  # stock tells nobody when it has connected
        await asyncio.sleep(_LOOK_S)


def _is_opening(handler: ConnectionHandler) -> bool:
    """Whether a connection to a server is being made; one that could not be is left there without a writer too."""
    return any(
        io.writer is None and io.handler is not None and not io.handler.done() for io in handler.transports.values()
    )


def _is_clients_turn(handler: ConnectionHandler) -> bool:
    io = handler.transports.get(handler.client)
    return io is not None and io.handler is asyncio.current_task()


HELD_READING = Patch(
    name="held-reading",
    changes="a client is read a megabyte ahead, and no further, while its server is being connected to",
    replacements=(Replacement(owner=ConnectionHandler, name="drain_writers", new=drain_writers),),
    guards=(
        Guard(owner=ConnectionHandler, name="drain_writers", digest="6b57434604561e3e"),
        Guard(owner=ConnectionHandler, name="handle_connection", digest="95c3f93e9824e527"),
        Guard(owner=ConnectionHandler, name="open_connection", digest="5e0b3cbaf7a4030a"),
    ),
)
