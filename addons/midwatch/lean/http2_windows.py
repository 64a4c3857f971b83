"""Patch `http2-windows`: what one side of an HTTP/2 stream does not take is not read from the other without measure.

Stock opens its windows as wide as they can be, and again for all that has come, whether it could be sent on or not: an
answer whose reader keeps its own window shut is held in memory whole, be it gigabytes ("internal data buffering",
CVE-2019-9517), and so is an upload to a server that is slower than its client. Here a window is opened again when what
came through it has been sent on, so that a stream holds STREAM_BYTES at most and a connection CONNECTION_BYTES; other
streams go on. Where the other side speaks HTTP/1, its connection is not read meanwhile (`held-reading` waits).

A stream whose client has not taken what is held for it within `tcp_timeout` is reset, and addons hear of it: others of
its connection may go on for ever.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.windows import WindowManager
from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import HttpLayer, SendHttp
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import ErrorCode, RequestData, RequestProtocolError, ResponseData
from mitmproxy.proxy.layers.http._http2 import Http2Client, Http2Connection, Http2Server
from mitmproxy.proxy.layers.http._http_h2 import BufferedH2Connection

from midwatch.lean.edges import Edge, MidwatchEdgeHook
from midwatch.lean.patch import Guard, Patch, Replacement

STREAM_BYTES = 512 * 1024
"""What a stream may send before we said that more is welcome: 5 MB a second from a server 100 ms away."""

CONNECTION_BYTES = 8 * 1024 * 1024
"""The same for all streams of a connection together: when so much is held, they wait for each other."""

SLOW_READER = "slow_reader"
_SAID = "did not read its answer: the HTTP/2 stream is reset"
_NOTES, _OWED = "midwatch_windows", "midwatch_owed"
_PAUSE, _HOLDS = "midwatch_paused", "midwatch_holds_answers"
_STOCK = Http2Connection._handle_event
_STOCK_INIT = BufferedH2Connection.__init__

type Commands = Iterator[commands.Command]


@dataclass
class Taken(HttpEvent):
    """All that was held of a stream has been sent on: told to the layer that received it."""


@dataclass(slots=True)
class _Pause:
    """A connection of HTTP/1 that is not read until what came has been taken."""

    connection: Connection
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        self.connection.__dict__.pop(_PAUSE, None)
        self.over.set()


@dataclass(slots=True)
class _Notes:
    """What an HTTP/2 layer keeps: for its own streams, who waits until what is held has gone, and since when it is."""

    sources: dict[int, _Pause | Http2Connection] = field(default_factory=dict)
    since_s: dict[int, float] = field(default_factory=dict)
    wakes: bool = False


async def until_taken(connection: Connection) -> None:
    """Wait until more may be read from a connection of HTTP/1."""
    while (pause := connection.__dict__.get(_PAUSE)) is not None:
        await pause.over.wait()


def holds_answers(client: Connection) -> bool:
    """Whether something waits here until an HTTP/2 client takes it."""
    return bool(client.__dict__.get(_HOLDS))


def make(self: BufferedH2Connection, config: H2Configuration) -> None:
    """Stand in for `BufferedH2Connection.__init__`."""
    _STOCK_INIT(self, config)
    self.__dict__[_OWED] = {}
    self.local_settings.initial_window_size = STREAM_BYTES
    self.local_settings.acknowledge()  # as stock does: these hold from the first on


def initiate_connection(self: BufferedH2Connection) -> None:
    """Stand in for `BufferedH2Connection.initiate_connection`."""
    H2Connection.initiate_connection(self)
    self.increment_flow_control_window(CONNECTION_BYTES - self.inbound_flow_control_window)


def acknowledge_received_data(self: BufferedH2Connection, acknowledged_size: int, stream_id: int) -> None:
    """Stand in for what is inherited: it is done once it is known where the data is."""
    owed = self.__dict__[_OWED]
    owed[stream_id] = owed.get(stream_id, 0) + acknowledged_size


def handle_event(self: Http2Connection, event: events.Event) -> Commands:
    """Stand in for `Http2Connection._handle_event`."""
    notes = self.__dict__.setdefault(_NOTES, _Notes())
    if isinstance(event, Taken):
        yield from _acknowledge(self, event.stream_id)
        return
    if isinstance(event, events.Wakeup):
        notes.wakes = False
        yield from _leave_the_slow(self, notes)
    else:
        yield from _STOCK(self, event)
    if isinstance(event, RequestData | ResponseData) and event.stream_id in self.h2_conn.stream_buffers:
        _pause_source(self, notes, event.stream_id)
    yield from _acknowledge_what_went_on(self)
    closed = _is_closed(self, event)
    yield from _tell_sources(self, notes, closed=closed)
    if isinstance(self, Http2Server) and not closed:
        yield from _watch(self, notes)


def _is_closed(layer: Http2Connection, event: events.Event) -> bool:
    return isinstance(event, events.ConnectionClosed) or layer.h2_conn.state_machine.state is ConnectionState.CLOSED


def _acknowledge_what_went_on(layer: Http2Connection) -> Commands:
    """Open windows for what is held nowhere; where it is, whoever holds it says when it has gone."""
    for stream_id in list(layer.h2_conn.__dict__[_OWED]):
        holder = _holder(layer, stream_id)
        if holder is None:
            yield from _acknowledge(layer, stream_id)
        else:
            holding, held_as = holder
            holding.__dict__[_NOTES].sources[held_as] = layer


def _acknowledge(layer: Http2Connection, stream_id: int) -> Commands:
    h2, size = layer.h2_conn, layer.h2_conn.__dict__[_OWED].pop(stream_id, 0)
    if not size or h2.state_machine.state is ConnectionState.CLOSED:
        return
    H2Connection.acknowledge_received_data(h2, size, stream_id)
    if data := h2.data_to_send():
        yield commands.SendData(layer.conn, data)


def _tell_sources(layer: Http2Connection, notes: _Notes, *, closed: bool) -> Commands:
    """What has gone may be followed by more."""
    for stream_id in [key for key in notes.sources if closed or key not in layer.h2_conn.stream_buffers]:
        source = notes.sources.pop(stream_id)
        if isinstance(source, _Pause):
            source.end()
        elif source.conn in _http_of(layer).connections:
            yield SendHttp(Taken(_shared_id(layer, stream_id)), source.conn)


def _pause_source(layer: Http2Connection, notes: _Notes, stream_id: int) -> None:
    """Where the data came by HTTP/1, its connection waits."""
    if isinstance(layer, Http2Client):
        connection: Connection = layer.context.client
    else:
        stream = _http_of(layer).streams.get(stream_id)
        if stream is None:
            return
        connection = stream.context.server
    if connection.alpn != b"h2" and stream_id not in notes.sources:
        notes.sources[stream_id] = connection.__dict__[_PAUSE] = _Pause(connection)


def _holder(layer: Http2Connection, stream_id: int) -> tuple[Http2Connection, int] | None:
    """The layer that holds data of this stream until it can be sent, and the stream's number there."""
    http = _http_of(layer)
    shared = _shared_id(layer, stream_id)
    if isinstance(layer, Http2Client):
        other, other_id = http.connections.get(layer.context.client), shared
    else:
        stream = http.streams.get(shared)
        top = http.connections.get(stream.context.server) if stream is not None else None
        other = top.context.layers[-1] if top is not None else None
        other_id = other.our_stream_id.get(shared, 0) if isinstance(other, Http2Client) else 0
    holds = isinstance(other, Http2Connection) and other_id in other.h2_conn.stream_buffers and _NOTES in other.__dict__
    return (other, other_id) if holds else None  # type: ignore[return-value]  # it is one where it holds


def _http_of(layer: Http2Connection) -> HttpLayer:
    return next(found for found in reversed(layer.context.layers) if isinstance(found, HttpLayer))


def _shared_id(layer: Http2Connection, stream_id: int) -> int:
    """The number that both sides know a stream by: its client's."""
    return layer.their_stream_id[stream_id] if isinstance(layer, Http2Client) else stream_id


def _watch(server: Http2Server, notes: _Notes) -> Commands:
    """Note what is held since when, and come back to it."""
    held = server.h2_conn.stream_buffers
    if not held and not notes.since_s:
        return
    now_s = time.monotonic()
    notes.since_s = {stream_id: notes.since_s.get(stream_id, now_s) for stream_id in held}
    server.context.client.__dict__[_HOLDS] = bool(held)
    if notes.since_s and not notes.wakes:
        notes.wakes = True
        oldest_s = min(notes.since_s.values())
        yield commands.RequestWakeup(max(oldest_s + server.context.options.tcp_timeout - now_s, 0.01))


def _leave_the_slow(server: Http2Connection, notes: _Notes) -> Commands:
    """Reset each stream whose client was given its time."""
    until_s = time.monotonic() - server.context.options.tcp_timeout
    for stream_id in [key for key, since_s in notes.since_s.items() if since_s <= until_s]:
        if server.is_closed(stream_id) or stream_id not in server.h2_conn.stream_buffers:
            continue
        server.h2_conn.reset_stream(stream_id, ErrorCodes.ENHANCE_YOUR_CALM)
        yield commands.SendData(server.conn, server.h2_conn.data_to_send())
        if server.streams.pop(stream_id, None) is not None:
            yield ReceiveHttp(RequestProtocolError(stream_id, _SAID, ErrorCode.CANCEL))
        yield MidwatchEdgeHook(Edge(client=server.context.client, kind=SLOW_READER, text=_SAID))


HTTP2_WINDOWS = Patch(
    name="http2-windows",
    changes="of an HTTP/2 stream whose reader does not take it 512 KB are held, and its sender waits",
    replacements=(
        Replacement(owner=BufferedH2Connection, name="__init__", new=make),
        Replacement(owner=BufferedH2Connection, name="initiate_connection", new=initiate_connection),
        Replacement(owner=BufferedH2Connection, name="acknowledge_received_data", new=acknowledge_received_data),
        Replacement(owner=Http2Connection, name="_handle_event", new=handle_event),
    ),
    guards=(
        Guard(owner=BufferedH2Connection, name="__init__", digest="73fce8e17f54112a"),
        Guard(owner=BufferedH2Connection, name="initiate_connection", digest="96af41e63f2d65bc"),
        Guard(owner=BufferedH2Connection, name="send_data", digest="eeb7918d96b19708"),
        Guard(owner=BufferedH2Connection, name="receive_data", digest="7dd57c12dc7ead79"),
        Guard(owner=BufferedH2Connection, name="reset_stream", digest="4066479f1b95343e"),
        Guard(owner=BufferedH2Connection, name="stream_window_updated", digest="3be939b870a5f8e4"),
        Guard(owner=BufferedH2Connection, name="connection_window_updated", digest="bdbfca10dbe64536"),
        Guard(owner=H2Connection, name="acknowledge_received_data", digest="a4280c825a0c3987"),
        Guard(owner=WindowManager, name="process_bytes", digest="fcefd87a1d0d0ee6"),
        Guard(owner=Http2Connection, name="_handle_event", digest="a7f4a7a71d31074b"),
        Guard(owner=Http2Connection, name="handle_h2_event", digest="f6b6a52b12548102"),
        Guard(owner=Http2Client, name="_handle_event", digest="02de05a5b89f087b"),
        Guard(owner=Http2Client, name="_handle_event2", digest="a3b722b18c3f46fa"),
        Guard(owner=Http2Server, name="_handle_event", digest="7282fa18e70a3eaa"),
        Guard(owner=HttpLayer, name="event_to_child", digest="1095f6e1581d1780"),
        Guard(owner=HttpLayer, name="get_connection", digest="1aa1c63e3175766c"),
    ),
)
