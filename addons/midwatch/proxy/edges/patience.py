"""The addon that minds clients who keep a worker waiting: for their first words, a head, a body, a TLS handshake.

(Slowloris, CWE-400.) Whoever owes nothing may be silent for as long as mitmproxy's own `tcp_timeout` lets it.
"""

import asyncio
from typing import Any

from mitmproxy import connection, ctx, http, tcp, tls
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy import server_hooks

from midwatch.lean.arriving import Arriving
from midwatch.lean.edges import BODY_BEGUN, HEAD_BEGUN, HELD, Edge
from midwatch.lean.head_bounds import OPTION
from midwatch.lean.held_reading import keeps_waiting
from midwatch.proxy.edges.pace import Pace
from midwatch.proxy.edges.refusing import Refusing
from midwatch.proxy.edges.waits import Waits
from midwatch_core.clock import Clock
from midwatch_core.connection_settings import ConnectionSettings

HEAD, HANDSHAKE, BODY = "slow_head", "slow_handshake", "slow_body"
HELD_TOTAL = "midwatch_connections_held_total"
_LOOK_S = 0.5
_SAID = {
    HEAD: "a request's head did not come in time: the connection is closed",
    HANDSHAKE: "a TLS handshake did not come in time: the connection is closed",
    BODY: "a request's body came too slowly: the connection is closed",
}


class Patience:
    """One idea: a client that owes us something has until a moment to give it. What a server takes is not counted."""

    name = "midwatch_patience"

    def __init__(self, settings: ConnectionSettings, refusing: Refusing, clock: Clock) -> None:
        self._refusing = refusing
        self._clock = clock
        self._waits = Waits()
        self._pace = Pace(settings.min_body_bytes_per_s, settings.body_s)
        self._held: dict[str, str] = {}
        self._clients: dict[str, connection.Client] = {}
        self._task: asyncio.Task[None] | None = None
        self._settings = settings

    def follow(self, settings: ConnectionSettings) -> None:
        """From the next wait on, go by these; bodies that are on their way, too."""
        self._settings = settings
        self._pace.least_per_s, self._pace.span_s = settings.min_body_bytes_per_s, settings.body_s
        ctx.options.update(**self.options)

    @property
    def options(self) -> dict[str, object]:
        """mitmproxy's options, and ours, for these settings."""
        return {"tcp_timeout": self._settings.idle_s, OPTION: self._settings.max_head_bytes}

    def load(self, loader: Loader) -> None:
        """Add the option that the patch `head-bounds` looks at."""
        loader.add_option(OPTION, int, self._settings.max_head_bytes, "Bytes that an HTTP/1 message's head may have.")

    def start(self) -> None:
        """Begin to look, in the running loop."""
        self._task = asyncio.create_task(self._keep_looking(), name="midwatch-patience")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def client_connected(self, client: connection.Client) -> None:
        """Somebody comes, and is expected to speak."""
        if client.error is None and client.transport_protocol == "tcp":
            self._clients[client.id] = client
            self._expect(client, HEAD)

    def client_disconnected(self, client: connection.Client) -> None:
        """Somebody is gone."""
        self._waits.end(client.id)
        self._pace.end(client.id)
        self._held.pop(client.id, None)
        self._clients.pop(client.id, None)

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel was asked for."""
        self._waits.end(flow.client_conn.id)

    def http_connected(self, flow: http.HTTPFlow) -> None:
        """It is there for the client to use."""
        self._expect(flow.client_conn, HANDSHAKE)

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """TLS began."""
        self._waits.end(data.context.client.id)

    def tls_start_client(self, data: tls.TlsData) -> None:
        """Our part of the handshake is sent."""
        self._expect(data.context.client, HANDSHAKE)

    def tls_established_client(self, data: tls.TlsData) -> None:
        """The handshake is done."""
        self._waits.end(data.context.client.id)

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """It failed. What was no TLS at all is somebody trying something."""
        client = data.context.client
        self._waits.end(client.id)
        if client.error is not None and client.error.startswith("Cannot parse ClientHello"):
            self._refusing.count("tls", client, "sent a ClientHello that is none")

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A request's head is here."""
        self._waits.end(flow.client_conn.id)

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """Bytes of no protocol we know: when they come is theirs to say."""
        self._waits.end(flow.client_conn.id)

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A server is looked for: meanwhile a client owes nothing."""
        edge = self._waits.end(data.client.id)
        if edge is not None:
            self._held[data.client.id] = edge

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        """The server was found."""
        self._resume(data.client)

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        """It was not."""
        self._resume(data.client)

    def midwatch_edge(self, edge: Edge) -> None:
        """A layer tells of a client: what has begun must go on, all else it has refused itself."""
        if edge.kind == HEAD_BEGUN:
            if not self._waits.waits_for(edge.client.id):
                self._expect(edge.client, HEAD)
        elif edge.kind == BODY_BEGUN:
            self._mind(edge.client, edge.body)
        elif edge.kind == HELD:
            self._refusing.metrics.add(HELD_TOTAL)
        else:
            self._refusing.count(edge.kind, edge.client, edge.text)

    def look(self) -> None:
        """Close the connections of those who are late."""
        now_s = self._clock.monotonic()
        for connection_id, edge in self._waits.late(now_s):
            self._leave(connection_id, edge)
        for connection_id, body in self._pace.late(now_s):
            handler = _handler_of(connection_id)
            if handler is not None and keeps_waiting(handler):
                self._pace.begin(connection_id, body, now_s)  # it would send more if we read it
            else:
                self._leave(connection_id, BODY)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            self.look()

    def _expect(self, client: connection.Client, edge: str) -> None:
        patience_s = self._settings.head_s if edge == HEAD else self._settings.handshake_s
        if client.id in self._clients:
            self._waits.begin(client.id, edge, self._clock.monotonic() + patience_s)

    def _mind(self, client: connection.Client, body: Arriving | None) -> None:
        if body is not None and client.id in self._clients:
            self._pace.begin(client.id, body, self._clock.monotonic())

    def _leave(self, connection_id: str, edge: str) -> None:
        client = self._clients.get(connection_id)
        if client is not None:
            self._refusing.count(edge, client, _SAID[edge])
            _end(client, _SAID[edge])

    def _resume(self, client: connection.Client) -> None:
        edge = self._held.pop(client.id, None)
        if edge is not None:
            self._expect(client, edge)


def _end(client: connection.Client, why: str) -> None:
    handler = _handler_of(client.id)
    io = handler.transports.get(client) if handler is not None else None
    if io is not None and io.handler is not None:
        io.handler.cancel(why)


def _handler_of(connection_id: str) -> Any:
    """mitmproxy's handler of a client's connection; None for one that is gone."""
    proxyserver: Any = ctx.master.addons.get("proxyserver")
    return proxyserver.connections.get(connection_id)
