"""Patch `head-bounds`: the head of an HTTP/1 message has an end, and one meaning.

Stock holds a head in memory until its end, however long that is, and what a client sends ahead of an answer too. And it
passes on heads that two readers may read differently. Here a head that is too long is answered with 431 (RFC 6585,
section 5), one of two meanings with 400, and the connection ends. How long a head may take is for an addon to say: it
hears of its beginning. Counterpart: `body_bounds`.
"""

from __future__ import annotations

from collections.abc import Iterator

from h11._receivebuffer import ReceiveBuffer, blank_line_regex
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import ErrorCode
from mitmproxy.proxy.layers.http._http1 import (
    Http1Client,
    Http1Connection,
    Http1Server,
    make_error_response,
)

from midwatch.lean.edges import HEAD_BEGUN, Edge, MidwatchEdgeHook
from midwatch.lean.patch import Guard, Patch, Replacement
from midwatch.lean.request_head import objection_to_head

type Commands = Iterator[commands.Command]

OPTION = "midwatch_max_head_bytes"
"""mitmproxy's option for the bytes of a head, which an addon of ours adds."""

DEFAULT_BYTES = 64 * 1024
# What a client may send while its request is answered: more is not read ahead by any server it could have learnt it at.
MAX_AHEAD = 1024 * 1024
# RFC 9112, section 2.2: a server ignores at least one empty line before a request.
_BLANK_LINES = 8
_NO_REQUEST = "The head of the request can't be read: a field without a name, or a target that is none."

_READ_REQUEST, _READ_ANSWER, _WAIT = Http1Server.read_headers, Http1Client.read_headers, Http1Connection.wait


def read_request(self: Http1Server, event: events.ConnectionEvent) -> Commands:
    """Stand in for `Http1Server.read_headers`."""
    if isinstance(event, events.DataReceived):
        refusal = _refusal(self)
        if refusal is not None:
            yield from _refuse(self, *refusal)
            return
    stream_id = self.stream_id
    yield from _READ_REQUEST(self, event)
    if not isinstance(event, events.DataReceived):
        return
    if self.state == self.read_headers and len(self.buf) > 0:
        yield MidwatchEdgeHook(Edge(client=self.context.client, kind=HEAD_BEGUN))
    elif self.state == self.done and self.request is None and self.stream_id == stream_id:
        # Stock could make no request of it, and has said so with a 400: no hook of its own tells of that.
        yield MidwatchEdgeHook(Edge(client=self.context.client, kind="head_form", text=_NO_REQUEST))


def read_answer(self: Http1Client, event: events.ConnectionEvent) -> Commands:
    """Stand in for `Http1Client.read_headers`: a server's head has an end too."""
    if isinstance(event, events.DataReceived) and self.stream_id is not None and _size(self.buf)[0] > limit_of(self):
        yield commands.CloseConnection(self.conn)
        text = "the head of the answer is too large"
        yield ReceiveHttp(self.ReceiveProtocolError(self.stream_id, text, ErrorCode.GENERIC_SERVER_ERROR))
        self.state = self.done
        return
    yield from _READ_ANSWER(self, event)


def wait(self: Http1Server, event: events.Event) -> Commands:
    """Stand in for the inherited `wait`: what comes ahead is kept, up to a bound."""
    if isinstance(event, events.DataReceived) and len(self.buf) > MAX_AHEAD:
        yield commands.CloseConnection(self.conn)
        text = "The client sent too much before its answer."
        yield MidwatchEdgeHook(Edge(client=self.context.client, kind="sent_ahead", text=text))
        yield ReceiveHttp(self.ReceiveProtocolError(self.stream_id, text, ErrorCode.CLIENT_DISCONNECTED))
        self.state = self.done
        return
    yield from _WAIT(self, event)


def _refusal(server: Http1Server) -> tuple[int, str, str] | None:
    """Status, edge and words of a refusal; None for a head that is in order so far."""
    data = server.buf._data
    blank = next((at for at in range(0, 2 * _BLANK_LINES, 2) if data[at : at + 2] != b"\r\n"), 2 * _BLANK_LINES)
    if blank:
        server.buf.maybe_extract_at_most(blank)
    size, whole = _size(server.buf)
    if size > limit_of(server):
        return 431, "head_size", f"The head of the request is larger than {limit_of(server)} bytes."
    objection = objection_to_head(bytes(server.buf._data[:size])) if whole else None
    return None if objection is None else (400, "head_form", f"The head of the request has {objection}.")


def _refuse(server: Http1Server, status: int, edge: str, text: str) -> Commands:
    yield commands.SendData(server.conn, make_error_response(status, text))
    yield commands.CloseConnection(server.conn)
    server.state = server.done
    yield MidwatchEdgeHook(Edge(client=server.context.client, kind=edge, text=text))


def _size(buffer: ReceiveBuffer) -> tuple[int, bool]:
    """Bytes of the head in a buffer, and whether it is whole; searched from where h11 left off, for it may drip."""
    found = blank_line_regex.search(buffer._data, buffer._multiple_lines_search)
    return (len(buffer), False) if found is None else (found.end(), True)


def limit_of(connection: Http1Connection) -> int:
    """Bytes that a head may have on a connection."""
    return int(getattr(connection.context.options, OPTION, DEFAULT_BYTES))


HEAD_BOUNDS = Patch(
    name="head-bounds",
    changes="the head of an HTTP/1 message is bounded, and refused where it may be read in two ways",
    replacements=(
        Replacement(owner=Http1Server, name="read_headers", new=read_request),
        Replacement(owner=Http1Client, name="read_headers", new=read_answer),
        Replacement(owner=Http1Server, name="wait", new=wait),
    ),
    guards=(
        Guard(owner=Http1Server, name="read_headers", digest="3fe0945216bcf7bc"),
        Guard(owner=Http1Client, name="read_headers", digest="415454c5fa8b5981"),
        Guard(owner=Http1Connection, name="wait", digest="c99d0494a840a2b6"),
        Guard(owner=ReceiveBuffer, name="maybe_extract_lines", digest="435e54e6db463e31"),
    ),
)
