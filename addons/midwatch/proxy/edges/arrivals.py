"""The addon at the door: it counts client connections, and sends away those that are too many. After `own_traffic`."""

from typing import Any

from mitmproxy import connection, ctx
from mitmproxy.net.http.http1 import assemble_response
from mitmproxy.proxy.mode_specs import RegularMode, UpstreamMode

from midwatch.proxy.edges.crowd import Crowd, TurnedAway, room
from midwatch.proxy.edges.refusing import Refusing, address_of
from midwatch_core.clock import Clock
from midwatch_core.connection_settings import ConnectionSettings

OPEN, TURNED_AWAY = "midwatch_connections_open", "midwatch_connections_turned_away"
_SAID = {
    "crowd": (503, "This Midwatch has as many connections as it can hold. Try again soon."),
    "client_crowd": (429, "This address has as many connections here as it may have."),
}
_RETRY_S = "5"


class Arrivals:
    """One idea: a connection for which there is no room is answered at once, and costs no more than that."""

    name = "midwatch_arrivals"

    def __init__(self, settings: ConnectionSettings, refusing: Refusing, clock: Clock) -> None:
        self._refusing = refusing
        self._clock = clock
        self._turned_away = TurnedAway()
        self._crowd = Crowd(room(settings.max), settings.max_per_client)

    def follow(self, settings: ConnectionSettings) -> None:
        """From the next connection on, go by these."""
        self._crowd.most, self._crowd.most_each = room(settings.max), settings.max_per_client

    def report(self) -> None:
        """Set the gauges."""
        self._refusing.metrics.set(OPEN, len(self._crowd))
        self._refusing.metrics.set(TURNED_AWAY, self._turned_away.lately(self._clock.monotonic()))

    def client_connected(self, client: connection.Client) -> None:
        """Somebody comes."""
        if client.error is not None:  # `own_traffic` has refused them
            self._refusing.count("own_traffic", client, client.error)
            return
        edge = self._crowd.enters(client.id, address_of(client))
        if edge is None:
            return
        self._turned_away.one(self._clock.monotonic())
        status, text = _SAID[edge]
        self._refusing.count(edge, client, text)
        if isinstance(client.proxy_mode, RegularMode | UpstreamMode):
            response = self._refusing.answer(text, status, retry_after=_RETRY_S, connection="close")
            _send(client, assemble_response(response))
        client.error = text  # mitmproxy closes it then

    def client_disconnected(self, client: connection.Client) -> None:
        """Somebody is gone."""
        self._crowd.leaves(client.id)


def _send(client: connection.Client, data: bytes) -> None:
    """Write to a client for whom there are no layers yet."""
    proxyserver: Any = ctx.master.addons.get("proxyserver")
    handler = proxyserver.connections.get(client.id)
    io = handler.transports.get(client) if handler is not None else None
    if io is not None and io.writer is not None:
        io.writer.write(data)
