"""How an edge refuses: counted, said in the log now and then, and answered where an answer can be given."""

from dataclasses import dataclass
from ipaddress import IPv6Address

from mitmproxy import connection, http

from midwatch.proxy import bridge
from midwatch.proxy.admission.admitting import DENIED
from midwatch.proxy.edges.reach import address_in
from midwatch.proxy.edges.telling import Telling
from midwatch_core.metrics import Metrics

REFUSED = "midwatch_edges_refused_total"


@dataclass(frozen=True, slots=True)
class Refusing:
    """What all edges share."""

    metrics: Metrics
    telling: Telling

    def count(self, edge: str, client: connection.Client, text: str) -> None:
        """Somebody met an edge."""
        self.metrics.add(REFUSED, labels=(edge,))
        self.telling.say(edge, address_of(client), text)

    def answer(self, text: str, status: int = 403, **headers: str) -> http.Response:
        """A refusal in plain words: it is ours, so it is in no dialect of a provider's."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return http.Response.make(status, f"{text}\n", {"content-type": "text/plain; charset=utf-8", **fields})

    def deny(self, flow: http.HTTPFlow, text: str, status: int = 403, **headers: str) -> None:
        """Refuse a request at its head; where an answer can't be given, its connection ends.

        That is where it would wait for a body too large to be read, or where a WebSocket is asked for: see `Admitting`.
        """
        flow.metadata[DENIED] = text
        if flow.request.stream or bridge.asks_for_socket(flow):
            flow.kill()
        else:
            flow.response = self.answer(text, status, **headers)


def address_of(client: connection.Client) -> str:
    """What a client is counted by: its address, or the /64 of an IPv6 one, for that is what one host is given.

    An empty text where it has none.
    """
    host = str(client.peername[0]) if client.peername else ""
    address = address_in(host) if ":" in host else None
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"
