"""Patch `http2-bounds`: what costs us much and its sender little is bounded on an HTTP/2 connection.

Stock answers every PING, SETTINGS and reset there is, as fast as they come: a stream that is opened and reset at once
(CVE-2023-44487, "rapid reset") costs its client two frames, and us a request. It collects frames of 16 MB, although it
allows 128 KB, before it refuses them, and heads of 8 MB. Here a connection that sends too much of these is closed with
ENHANCE_YOUR_CALM (RFC 9113, section 10.5), on both sides of the proxy.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import Event, StreamReset
from h2.exceptions import DenialOfServiceError
from h2.frame_buffer import FrameBuffer
from hyperframe.frame import (
    DataFrame,
    ExtensionFrame,
    Frame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from mitmproxy.proxy import commands
from mitmproxy.proxy.layers.http._http2 import Http2Connection, Http2Server
from mitmproxy.proxy.layers.http._http_h2 import BufferedH2Connection

from midwatch.lean.edges import Edge, MidwatchEdgeHook
from midwatch.lean.patch import Guard, Patch, Replacement

BURST = 1000.0
"""What such frames may cost at once, and then REFILL a second: so many resets, or twenty times as many pings.

nghttp2 lets a thousand resets pass, and 33 a second.
"""

REFILL = 50.0
_RESET = 1.0
# Cheap for us, and often needed: gRPC pings with each message to learn how far away we are, servers send an update of
# the window for each piece of an upload.
_LITTLE = 0.05
_COSTS = {
    RstStreamFrame: _RESET,
    PingFrame: _LITTLE,
    SettingsFrame: _LITTLE,
    PriorityFrame: _LITTLE,
    ExtensionFrame: _LITTLE,
    WindowUpdateFrame: _LITTLE / 2,
}
# h2 would take 64 frames of 128 KB for a head, and refuses one of more than 64 KB only when it is unpacked.
MAX_HEAD_BYTES = 256 * 1024
_FRAME_HEAD = 9
_SAID = "broke the rules of HTTP/2, or sent too much that carries nothing: the connection is closed"

_STOCK_RECEIVE, _STOCK_FRAME = BufferedH2Connection.receive_data, H2Connection._receive_frame
_STOCK_ERROR = Http2Connection.protocol_error


def receive_data(self: BufferedH2Connection, data: bytes) -> list[Event]:
    """Stand in for `BufferedH2Connection.receive_data`: a frame that is too long is refused before it is here."""
    events: list[Event] = _STOCK_RECEIVE(self, data)
    buffer = self.incoming_buffer
    if len(buffer._data) > self.max_inbound_frame_size + _FRAME_HEAD:
        raise DenialOfServiceError("a frame is too long")
    if sum(len(frame.data) for frame in buffer._headers_buffer) > MAX_HEAD_BYTES:
        raise DenialOfServiceError("a head is too long")
    return events


def receive_frame(self: BufferedH2Connection, frame: Frame) -> list[Event]:
    """Stand in for the inherited `_receive_frame`: its cost is taken from what the connection has left."""
    cost = _COSTS.get(type(frame), 0.0)
    if cost == 0.0 and type(frame) is DataFrame and not frame.data and "END_STREAM" not in frame.flags:
        cost = _LITTLE
    if cost:
        _pay(self, cost)
    events = _STOCK_FRAME(self, frame)
    if type(frame) is not RstStreamFrame and any(isinstance(event, StreamReset) for event in events):
        _pay(self, _RESET)  # it made us reset a stream (CVE-2025-8671, "made you reset")
    return events


def protocol_error(
    self: Http2Server, message: str, error_code: int = ErrorCodes.PROTOCOL_ERROR
) -> Iterator[commands.Command]:
    """Stand in for the inherited `protocol_error`: the addons hear of a client's.

    Not of the message, in which h2 quotes what was sent.
    """
    yield MidwatchEdgeHook(Edge(client=self.context.client, kind="http2", text=_SAID))
    yield from _STOCK_ERROR(self, message, error_code)


def _pay(connection: BufferedH2Connection, cost: float) -> None:
    now_s = time.monotonic()
    left, at_s = connection.__dict__.get("midwatch_calm", (BURST, now_s))
    left = min(BURST, left + (now_s - at_s) * REFILL) - cost
    connection.__dict__["midwatch_calm"] = (left, now_s)
    if left < 0:
        raise DenialOfServiceError("too many frames that carry nothing")


HTTP2_BOUNDS = Patch(
    name="http2-bounds",
    changes="an HTTP/2 connection that sends frames of no use, or too large ones, is closed",
    replacements=(
        Replacement(owner=BufferedH2Connection, name="receive_data", new=receive_data),
        Replacement(owner=BufferedH2Connection, name="_receive_frame", new=receive_frame),
        Replacement(owner=Http2Server, name="protocol_error", new=protocol_error),
    ),
    guards=(
        Guard(owner=BufferedH2Connection, name="receive_data", digest="7dd57c12dc7ead79"),
        Guard(owner=H2Connection, name="receive_data", digest="23c10edc87abe72d"),
        Guard(owner=H2Connection, name="_receive_frame", digest="39b2e16b4fd74ed0"),
        Guard(owner=FrameBuffer, name="__next__", digest="6d36dd5061e8a22a"),
        Guard(owner=FrameBuffer, name="_update_header_buffer", digest="754ab91814882ca9"),
        Guard(owner=Http2Connection, name="protocol_error", digest="461f5e7de9c9b687"),
        Guard(owner=Http2Connection, name="_handle_event", digest="a7f4a7a71d31074b"),
    ),
)
