"""Ends a proxy without cutting a call: listeners first, then what is under way, then the master.

mitmproxy's own shutdown fires `done` while connections are alive and drops them. `drain` is for a proxy that nobody
follows: idle connections are closed at once. `take_leave` comes first where another has taken over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.master import Master
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler

from midwatch.lean.farewell import taking_leave
from midwatch.lean.http2_windows import holds_answers
from midwatch.lean.in_flight import InFlight

POLL_S = 0.05
LEAVE_POLL_S = 0.5
IDLE_S = 60.0
"""So long after its last byte, one that was told nothing yet may be closed: few clients keep it for more."""
QUIET_S = 2.0
"""A connection without a known flow (a tunnel passed through undecrypted) is idle after this long without a byte."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """How a drain went: seconds waited, connections that were still busy at the deadline, idle ones closed."""

    waited_s: float
    cut: int
    idle: int


async def stop_listening(master: Master) -> None:
    """Close every listening socket of the proxy; open connections live on."""
    await _proxyserver(master).servers.update([])


async def drain(master: Master, *, deadline_s: float = 30.0, quiet_s: float = QUIET_S) -> Drained:
    """Stop listening, wait until no connection is busy or `deadline_s` is over, then shut the master down.

    A connection that is kept alive but carries no exchange does not hold the drain up.
    """
    begin = time.monotonic()
    await stop_listening(master)
    calm = 0
    with taking_leave(master):  # a client that asks on and on would keep its connection busy to the deadline
        # Twice in a row: between a flow's last hook and its last byte there may be a turn of the loop.
        while calm < 2 and time.monotonic() - begin < deadline_s:
            calm = 0 if _busy(master, quiet_s) else calm + 1
            await asyncio.sleep(POLL_S)
    busy = _busy(master, quiet_s)
    left = len(_proxyserver(master).connections)
    if busy:
        logger.warning("Drain: %d connections still busy after %.0f s are cut", busy, deadline_s)
    master.shutdown()
    return Drained(waited_s=time.monotonic() - begin, cut=busy, idle=left - busy)


async def take_leave(master: Master, *, deadline_s: float, idle_s: float = IDLE_S) -> int:
    """Stop listening, and wait until every client has gone or `deadline_s` is over; how many connections are left.

    One that asks for nothing is closed when it has been idle for long; one whose calls can't be seen (a tunnel passed
    through undecrypted, a WebSocket) is left alone. `drain` comes next.
    """
    begin = time.monotonic()
    await stop_listening(master)
    with taking_leave(master) as farewell:
        while (open_now := _proxyserver(master).connections) and time.monotonic() - begin < deadline_s:
            farewell.urges = time.monotonic() - begin > deadline_s / 2
            for handler in list(open_now.values()):
                if _may_close(master, handler, idle_s):
                    await handler.on_timeout()
            await asyncio.sleep(LEAVE_POLL_S)
    return len(_proxyserver(master).connections)


def _may_close(master: Master, handler: ProxyConnectionHandler, idle_s: float) -> bool:
    """Whether it speaks HTTP with us, nothing of it is under way, and that for long."""
    in_flight = master.addons.get(InFlight.name)
    if not isinstance(in_flight, InFlight) or not in_flight.is_between(handler.client) or _unsent(handler):
        return False
    return time.time() - handler.timeout_watchdog.last_activity >= idle_s


def _proxyserver(master: Master) -> Proxyserver:
    found = master.addons.get("proxyserver")
    assert isinstance(found, Proxyserver)
    return found


def _busy(master: Master, quiet_s: float) -> int:
    in_flight = master.addons.get(InFlight.name)
    clients = in_flight.busy_clients() if isinstance(in_flight, InFlight) else set()
    handlers = _proxyserver(master).connections.values()
    return sum(_is_busy(handler, clients, quiet_s) for handler in handlers)


def _is_busy(handler: ProxyConnectionHandler, clients: set[str], quiet_s: float) -> bool:
    if handler.client.id in clients or _unsent(handler):
        return True
    return _is_opaque(handler) and time.time() - handler.timeout_watchdog.last_activity < quiet_s


def _unsent(handler: ProxyConnectionHandler) -> bool:
    """Whether bytes wait in our own buffers; those in the kernel's are delivered without us."""
    if holds_answers(handler.client):
        return True
    writers = (io.writer for io in handler.transports.values())
    return any(isinstance(w, asyncio.StreamWriter) and w.transport.get_write_buffer_size() > 0 for w in writers)


def _is_opaque(handler: ProxyConnectionHandler) -> bool:
    """Whether the connection was opened but no flow of it can be seen: judged by its last byte."""
    return not handler.client.tls_established
