"""The addon that refuses requests which would become two, or none, when they are written in another version of HTTP.

HTTP/2 has no lines, so that its fields may say what in HTTP/1 would end one (RFC 9113, section 10.3). h2 refuses most
of that, and the patch `head-bounds` what HTTP/1 clients try; this is what is left.
"""

import re

from mitmproxy import http

from midwatch.proxy.edges.refusing import Refusing

# RFC 9112, section 3: a request line ends at a line's end, and its parts at blanks.
_BLANK = re.compile(rb"[\x00-\x20\x7f]")
_EDGE = "smuggling"


class Shape:
    """One idea: a request goes on only if it says the same in every version. After `admitting`."""

    name = "midwatch_shape"

    def __init__(self, refusing: Refusing) -> None:
        self._refusing = refusing

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A head is here."""
        data = flow.request.data
        if flow.error is None and flow.response is None and (_BLANK.search(data.path) or _BLANK.search(data.method)):
            self._refuse(flow, "The request's target has blanks.")

    def request(self, flow: http.HTTPFlow) -> None:
        """A request is here, to its end: HTTP/2 has one without looking at the length that was told."""
        told = flow.request.headers.get("content-length")
        body = flow.request.raw_content
        if told is None or body is None or told == str(len(body)):
            return  # (what streams has no body here: its length is minded by mitmproxy)
        if flow.error is None and flow.response is None:
            self._refuse(flow, "The request is not as long as it says.")

    def _refuse(self, flow: http.HTTPFlow, text: str) -> None:
        self._refusing.count(_EDGE, flow.client_conn, text)
        self._refusing.deny(flow, text, 400)
