"""The addon that closes what mitmproxy leaves open of a connection that has ended.

A connection's task that is ended while it waits for its turn leaves without closing its socket: nobody reads from it
any more, and its file descriptor is lost for as long as the other side likes. Strangers can bring that about at will.
"""

from __future__ import annotations

from typing import Any

from mitmproxy import connection, ctx


class Leftovers:
    """One idea: when a client is gone, nothing of its connections may stay open."""

    name = "midwatch_leftovers"

    def client_disconnected(self, client: connection.Client) -> None:
        """The client's task has ended; those of its servers are about to be."""
        proxyserver: Any = ctx.master.addons.get("proxyserver")
        handler = proxyserver.connections.get(client.id)
        for io in list(handler.transports.values()) if handler is not None else ():
            if io.writer is not None:
                io.writer.close()
