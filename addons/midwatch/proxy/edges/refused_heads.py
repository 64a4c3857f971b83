"""The addon that counts the requests that mitmproxy itself refuses by their heads. Before all that could refuse one."""

from mitmproxy import http

from midwatch.proxy.edges.refusing import Refusing

_EDGE = "head_invalid"
# Not mitmproxy's own words: they quote what was sent.
_SAID = "sent a request whose length, codings, names of fields or scheme are none, or contradict each other"


class RefusedHeads:
    """One idea: a request that comes with an error has been refused before any addon saw it.

    mitmproxy's `validate_inbound_headers`, and what a request's scheme and method may be in a mode: answered with 400.
    """

    name = "midwatch_refused_heads"

    def __init__(self, refusing: Refusing) -> None:
        self._refusing = refusing

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A head is here, or what there is of it."""
        if flow.error is not None:
            self._refusing.count(_EDGE, flow.client_conn, _SAID)
