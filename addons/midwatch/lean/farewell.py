"""Takes leave of clients whose worker is about to end, so that none of their requests meets a closed connection.

HTTP/1.1: the next answer says `Connection: close` (RFC 9112, section 9.6). HTTP/2: once no stream is open, GOAWAY names
the last one that was seen; a request that crosses it has a higher number, and its client sends it again elsewhere
(RFC 9113, section 6.8). Patch `goaway`; without it, idle HTTP/2 connections are closed as those of HTTP/1.1 are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from h2.connection import ConnectionState
from mitmproxy import ctx, http
from mitmproxy.master import Master
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http._http2 import Http2Connection, Http2Server

from midwatch.lean.patch import Guard, Patch, PatchSet, Replacement

_SWITCHING_PROTOCOLS = 101
# A GOAWAY without an error that names the highest stream there can be: "open no more; all that you opened is served".
_OPEN_NO_MORE = bytes.fromhex("000008 07 00 00000000 7fffffff 00000000")
# Where calls shared a connection, each is given so long to read its answer. httpcore looks whether the connection was
# ended before it looks whether its answer is there already (`_receive_events`).
_READ_S = 1.0
_SHARED, _URGED = "_midwatch_shared_s", "_midwatch_urged"
_STOCK = Http2Server._handle_event


class Farewell:
    """The addon that tells clients of HTTP/1.1."""

    name = "midwatch_farewell"

    def __init__(self) -> None:
        self.urges = False
        """HTTP/2 clients that always have a stream open are asked to open no more. Some fail those that are open."""

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """The last answer on this connection."""
        self._close(flow)

    def response(self, flow: http.HTTPFlow) -> None:
        """The same, where its head came before we knew, and waits for its body. One that went out can't be called back:
        mitmproxy would close its connection, and the client not know.
        """
        if flow.response is not None and not flow.response.stream:
            self._close(flow)

    def _close(self, flow: http.HTTPFlow) -> None:
        response = flow.response
        if response is not None and response.status_code != _SWITCHING_PROTOCOLS and not flow.request.is_http2:
            response.headers["connection"] = "close"


@contextmanager
def taking_leave(master: Master) -> Iterator[Farewell]:
    """From now on each client is told with its next answer; those of HTTP/2 as long as this lasts."""
    addon = master.addons.get(Farewell.name)
    if not isinstance(addon, Farewell):
        addon = Farewell()
        master.addons.add(addon)
    goaway = PatchSet([GOAWAY])
    goaway.apply()
    try:
        yield addon
    finally:
        goaway.revert()


def _handle_event(self: Http2Server, event: events.Event) -> Iterator[commands.Command]:
    """Stand in for `Http2Server._handle_event`: what the event brought is done first."""
    h2, notes = self.h2_conn, self.__dict__
    if h2.open_inbound_streams > 1:
        notes[_SHARED] = time.monotonic()
    yield from _STOCK(self, event)
    if h2.state_machine.state is ConnectionState.CLOSED or not h2.highest_inbound_stream_id:
        return  # it has taken leave; or never asked for anything: then there is no stream to name
    if h2.open_inbound_streams:
        if _urges() and _URGED not in notes:
            notes[_URGED] = True
            yield commands.SendData(self.conn, _OPEN_NO_MORE)
    elif time.monotonic() - notes.get(_SHARED, -math.inf) >= _READ_S:
        h2.close_connection()
        yield commands.SendData(self.conn, h2.data_to_send())
        self._handle_event = partial(_gone, self)  # type: ignore[assignment,method-assign]  # as stock does


def _gone(self: Http2Server, event: events.Event) -> Iterator[commands.Command]:
    """What still comes was sent before the client knew, and is not answered: it says so itself by its number."""
    if isinstance(event, events.ConnectionClosed):
        yield from self.close_connection("the client has left")


def _urges() -> bool:
    addon = ctx.master.addons.get(Farewell.name)
    return isinstance(addon, Farewell) and addon.urges


GOAWAY = Patch(
    name="goaway",
    changes="an HTTP/2 client is told to go on elsewhere as soon as none of its streams is open",
    replacements=(Replacement(owner=Http2Server, name="_handle_event", new=_handle_event),),
    guards=(
        Guard(owner=Http2Server, name="_handle_event", digest="7282fa18e70a3eaa"),
        Guard(owner=Http2Connection, name="_handle_event", digest="a7f4a7a71d31074b"),
        Guard(owner=Http2Connection, name="close_connection", digest="44b76ed198e7916a"),
        Guard(owner=Http2Connection, name="done", digest="ba15fa3651110205"),
    ),
)
