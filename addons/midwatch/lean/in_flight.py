"""Knows which flows are under way, so that a shutdown can tell a busy connection from an idle one."""

from __future__ import annotations

from mitmproxy import flow, http, tcp

IDLE = "midwatch_idle"
"""A WebSocket's flow with this set in its metadata waits for its client to ask for something: it is not busy."""


class InFlight:
    """An addon that counts flows between their first hook and their last, by connection id."""

    name = "midwatch_in_flight"

    def __init__(self) -> None:
        self._flows: dict[str, flow.Flow] = {}

    def busy_clients(self) -> set[str]:
        """Ids of the client connections that carry a live flow."""
        return {one.client_conn.id for one in self._flows.values() if not one.metadata.get(IDLE)}

    def __len__(self) -> int:
        return len(self._flows)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """An HTTP exchange begins."""
        self._flows[flow.id] = flow

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
        gone = getattr(client, "id", None)
        for flow_id in [flow_id for flow_id, one in self._flows.items() if one.client_conn.id == gone]:
            del self._flows[flow_id]

    def _end(self, ended: flow.Flow) -> None:
        self._flows.pop(ended.id, None)
