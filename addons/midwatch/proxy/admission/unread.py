"""The addon that minds what is relayed unread: it ends when those who opened it may come no more. Beside `watching`."""

from typing import Any

from mitmproxy import connection, ctx, tcp, tls

from midwatch.proxy.admission.identifying import Identifying


class Unread:
    """One idea: inside a tunnel that nobody reads no request can be refused, so the tunnel itself is ended.

    To come after the addons that say what is decrypted, and what is let in.
    """

    name = "midwatch_unread"

    def __init__(self, identifying: Identifying) -> None:
        self._identifying = identifying
        self._clients: dict[str, connection.Client] = {}

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """TLS begins, perhaps one that is not decrypted."""
        if data.ignore_connection:
            self._clients[data.context.client.id] = data.context.client

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """Bytes of no protocol we know."""
        self._clients[flow.client_conn.id] = flow.client_conn

    def client_disconnected(self, client: connection.Client) -> None:
        """A client is gone."""
        self._clients.pop(client.id, None)

    def review(self) -> None:
        """End what strangers have open: their keys were good when it was opened, and have expired or been revoked."""
        gone = {key for key, client in self._clients.items() if self._identifying.stranger(client)}
        if not gone:
            return
        server: Any = ctx.master.addons.get("proxyserver")
        for handler in list(server.connections.values()):
            if handler.client.id in gone and (io := handler.transports.get(handler.client)) and io.handler:
                io.handler.cancel("its key is not valid any more")
