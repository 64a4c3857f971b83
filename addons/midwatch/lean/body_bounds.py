"""Patch `body-bounds`: what stands between the pieces of an HTTP/1 body has an end, and how a request's comes is shown.

Stock holds the head of a chunk, and trailers, until their end, however long they are, and tells nobody of a body before
it is whole. Here addons hear of a request's body that is still on its way, and may look at how much of it has come: how
long it may take is for them to say. They hear of chunks that are none too. Counterpart: `head_bounds`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import RequestProtocolError
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server

from midwatch.lean.arriving import Arriving
from midwatch.lean.edges import BODY_BEGUN, Edge, MidwatchEdgeHook
from midwatch.lean.head_bounds import limit_of
from midwatch.lean.patch import Guard, Patch, Replacement

type Commands = Iterator[commands.Command]

_ARRIVING = "midwatch_arriving"
_TOO_LARGE = "the head of a chunk, or the trailers, are too large"
_MALFORMED = "the chunks of a request's body are malformed"


def read_request_body(self: Http1Server, event: events.Event) -> Commands:
    """Stand in for the inherited `read_body` of a server's side."""
    stream_id, refused = self.stream_id, False
    for command in Http1Connection.read_body(self, event):
        yield command
        refused = refused or _refuses(command, stream_id)
    if not isinstance(event, events.DataReceived):
        return
    if refused:
        yield MidwatchEdgeHook(Edge(client=self.context.client, kind="body_form", text=_MALFORMED))
    elif _is_too_large(self):
        yield from _refuse(self)
        yield MidwatchEdgeHook(Edge(client=self.context.client, kind="head_size", text=_TOO_LARGE))
    yield from _show(self, event, open_still=self.state == self.read_body and not refused)


def read_answer_body(self: Http1Client, event: events.Event) -> Commands:
    """Stand in for the inherited `read_body` of a client's side."""
    yield from Http1Connection.read_body(self, event)
    if isinstance(event, events.DataReceived) and _is_too_large(self):
        yield from _refuse(self)


def _refuses(command: commands.Command, stream_id: int) -> bool:
    if not isinstance(command, ReceiveHttp) or not isinstance(command.event, RequestProtocolError):
        return False
    return command.event.stream_id == stream_id  # not what came behind this body, and was read at once


def _is_too_large(connection: Http1Connection) -> bool:
    """What `read_body` leaves is a chunk's head, or trailers, not whole yet."""
    unfinished = connection.state == connection.read_body and connection.stream_id is not None
    return unfinished and len(connection.buf) > limit_of(connection)


def _refuse(connection: Http1Connection) -> Commands:
    assert connection.stream_id is not None
    error = connection.ReceiveProtocolError
    yield commands.CloseConnection(connection.conn)
    yield ReceiveHttp(error(connection.stream_id, _TOO_LARGE, error.code))
    connection.state = connection.done


def _show(server: Http1Server, event: events.DataReceived, *, open_still: bool) -> Commands:
    """Keep what addons see of a body; one that is whole with its head is not shown."""
    arriving: Arriving | None = server.__dict__.get(_ARRIVING)
    if arriving is not None:
        arriving.size += len(event.data)
        if not open_still:
            arriving.ended = True
            del server.__dict__[_ARRIVING]
    elif open_still:
        arriving = server.__dict__[_ARRIVING] = Arriving()
        yield MidwatchEdgeHook(Edge(client=server.context.client, kind=BODY_BEGUN, body=arriving))


BODY_BOUNDS = Patch(
    name="body-bounds",
    changes="the head of a chunk, and trailers, are bounded, and addons may see how a request's body comes",
    replacements=(
        Replacement(owner=Http1Server, name="read_body", new=read_request_body),
        Replacement(owner=Http1Client, name="read_body", new=read_answer_body),
    ),
    guards=(Guard(owner=Http1Connection, name="read_body", digest="aece271029af36e4"),),
)
