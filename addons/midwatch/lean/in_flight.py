"""Knows which flows are under way, so that a shutdown can tell a busy connection from an idle one."""

from __future__ import annotations

from mitmproxy import connection, flow, http, tcp

IDLE = "midwatch_idle"
"""A WebSocket's flow with this set in its metadata waits for its client to ask for something: it is not busy."""


class InFlight:
    """An addon that counts flows between their first hook and their last, by connection id."""

    name = "midwatch_in_flight"

    def __init__(self) -> None:
        self._flows: dict[str, flow.Flow] = {}
        # Connections on which a request was read: they speak HTTP, and with us.
        self._spoke: set[str] = set()

    def busy_clients(self) -> set[str]:
        """Ids of the client connections that carry a live flow."""
        return {one.client_conn.id for one in self._flows.values() if not one.metadata.get(IDLE)}

    def is_between(self, client: connection.Client) -> bool:
        """Whether this connection speaks HTTP with us, and carries no flow now, also no idle one."""
        if client.id not in self._spoke:
            return False
        return all(one.client_conn.id != client.id for one in self._flows.values())

    def __len__(self) -> int:
        return len(self._flows)

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel begins: what is spoken in it is not known yet."""
        self._spoke.discard(flow.client_conn.id)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """An HTTP exchange begins."""
        self._flows[flow.id] = flow
        self._spoke.add(flow.client_conn.id)

    def response(self, flow: http.HTTPFlow) -> None:
        """It ends, unless it became a WebSocket."""
        if flow.websocket is None:
            self._end(flow)

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        """A WebSocket ends."""
        self._end(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        """An HTTP exchange fails."""
        self._end(flow)

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """A raw connection that is looked at begins."""
        self._flows[flow.id] = flow

    def tcp_end(self, flow: tcp.TCPFlow) -> None:
        """It ends."""
        self._end(flow)

    def tcp_error(self, flow: tcp.TCPFlow) -> None:
        """It fails."""
        self._end(flow)

    def client_disconnected(self, client: object) -> None:
        """Nothing of a connection outlives it, whatever hooks were missed."""
        gone = getattr(client, "id", "")
        self._spoke.discard(gone)
        for flow_id in [flow_id for flow_id, one in self._flows.items() if one.client_conn.id == gone]:
            del self._flows[flow_id]

    def _end(self, ended: flow.Flow) -> None:
        self._flows.pop(ended.id, None)
