"""The addon that says who is let in: tunnels, connections and requests of strangers end here. Before `watching`."""

import time
from collections.abc import Callable
from typing import Any

from mitmproxy import http, tcp, tls

from midwatch.proxy import bridge
from midwatch.proxy.admission.identifying import Identifying, challenge
from midwatch.proxy.recognising import Recognising
from midwatch_core.access.shown import Denial, Denied
from midwatch_core.guarded import Guard
from midwatch_core.ids import uuid7
from midwatch_core.wire.dialect import Refusal

# mitmproxy's flow carries why it was refused under this name.
DENIED = "midwatch_denied"


class Admitting:
    """One idea: what a client shows of itself is taken from its flows, and those who may not come are refused.

    Where something of ours fails, a stranger is refused too if callers must be known.
    """

    name = "midwatch_admitting"

    def __init__(
        self, recognising: Recognising, identifying: Identifying, *, reads: Callable[[str, int], bool], guard: Guard
    ) -> None:
        self.identifying = identifying
        self._recognising = recognising
        self._reads = reads
        self._guard = guard

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel is asked for, perhaps by somebody who may not have one."""
        outcome = self._guard.call("identifying.connect", self._connect, flow)
        if not outcome.ok and self.identifying.required:
            flow.response = challenge(Denied(why=Denial.UNKNOWN))

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """TLS begins: nobody relays it unread for a stranger, whose requests must say who that is."""
        if data.ignore_connection and self.identifying.stranger(data.context.client):
            data.ignore_connection = False

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """Bytes of no protocol we know: nobody can say inside whose they are."""
        if self.identifying.stranger(flow.client_conn):
            flow.kill()

    def client_disconnected(self, client: Any) -> None:
        """A client is gone."""
        self.identifying.forget(client.id)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A request begins: tell who asks."""
        outcome = self._guard.call("identifying.take", self.identifying.take, flow)
        if not outcome.ok and self.identifying.required:
            self.deny(flow, Denied(why=Denial.UNKNOWN))
        elif outcome.value is not None:
            self.deny(flow, outcome.value)

    def deny(self, flow: http.HTTPFlow, denied: Denied) -> None:
        """Refuse a request because of who makes it: in the dialect's words where it is a call.

        The connection ends instead where an answer would wait for a body too large to be read, and where a WebSocket
        is asked for: clients fall back to HTTP from a dropped connection, and give up at a 4xx.
        """
        flow.metadata[DENIED] = denied
        if flow.request.stream or bridge.asks_for_socket(flow):
            flow.kill()
            return
        match = self._guard.value("watching.recognise", self._recognising.match, flow)
        dialect = self._recognising.dialects.get(match.dialect) if match is not None else None
        if dialect is None:
            flow.response = challenge(denied)
        else:
            flow.response = bridge.response_of(dialect.refuse(refusal_of(denied)))

    def _connect(self, flow: http.HTTPFlow) -> None:
        request = flow.request
        denied = self.identifying.connect(flow, read=self._reads(request.host, request.port))
        if denied is not None:
            flow.metadata[DENIED] = denied
            flow.response = challenge(denied)


def refusal_of(denied: Denied) -> Refusal:
    """The refusal of a call because of who makes it."""
    return Refusal(status=401, code=f"midwatch_{denied.why}", message=denied.message, request_id=uuid7(time.time()))
