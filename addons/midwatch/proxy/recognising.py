"""Which flow is a call to a model: the catalogue asked in mitmproxy's words. Beside `admitting` and `watching`."""

from mitmproxy import http

from midwatch.proxy import bridge
from midwatch_core.wire.catalogue import Catalogue, Match
from midwatch_core.wire.dialect import Dialect


class Recognising:
    """One idea: a flow's host, port, method and path make it a call, or none. `catalogue` may be set anew."""

    def __init__(self, catalogue: Catalogue, dialects: dict[str, Dialect]) -> None:
        self.catalogue = catalogue
        self.dialects = dialects

    def match(self, flow: http.HTTPFlow) -> Match | None:
        """What the catalogue says; for a request whose body is not there yet a candidate only, see `Match.fits`."""
        method, path, socket = flow.request.method, bridge.path_of(flow), bridge.asks_for_socket(flow)
        host, port, headers = bridge.host_of(flow), bridge.port_of(flow), flow.request.headers
        listed = self.catalogue.match(host, port, method, path, headers, socket=socket)
        return listed or self.catalogue.match_anywhere(method, path, headers, socket=socket)
