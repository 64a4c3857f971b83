"""Patch `socket-bounds`: a WebSocket message that never ends, or is inflated without measure, is not held for ever.

Stock collects a message until its end, however long that is, and a frame's worth of permessage-deflate may be a
thousand times as large as what was read. Here the socket is closed with 1009, "message too big" (RFC 6455, section
7.4.1), which a model's client may answer by its fallback to HTTP.
"""

from __future__ import annotations

from mitmproxy.proxy.layers.websocket import WebsocketConnection, WebsocketLayer
from wsproto.connection import Connection
from wsproto.events import CloseConnection
from wsproto.frame_protocol import CloseReason

from midwatch.lean.patch import Guard, Patch, Replacement

# Twice what a message to or from a model may be (15 MB of sound); one read adds to it before it is looked at. Stock
# copies all that it holds at each read, so that a higher bound would cost seconds.
MAX_MESSAGE_BYTES = 32 * 1024 * 1024
MAX_FRAMES = 65_536


def receive_data(self: WebsocketConnection, data: bytes | None) -> None:
    """Stand in for what is inherited: the next bytes of a message that is too large already close the socket."""
    parts = getattr(self, "frame_buf", ())  # wsproto calls this once before mitmproxy has made it
    if data is None or (len(parts) <= MAX_FRAMES and sum(map(len, parts)) <= MAX_MESSAGE_BYTES):
        Connection.receive_data(self, data)
        return
    self.frame_buf = [b""]
    self._events.append(CloseConnection(code=CloseReason.MESSAGE_TOO_BIG, reason="message too big"))


SOCKET_BOUNDS = Patch(
    name="socket-bounds",
    changes="a WebSocket message beyond 32 MB ends its socket; stock holds it in memory until its end",
    replacements=(Replacement(owner=WebsocketConnection, name="receive_data", new=receive_data),),
    guards=(
        Guard(owner=WebsocketConnection, name="__init__", digest="f77a8c21ac12e55f"),
        Guard(owner=WebsocketLayer, name="relay_messages", digest="2d451252c7287da0"),
        Guard(owner=Connection, name="receive_data", digest="046f0bbb05b365e3"),
        Guard(owner=Connection, name="events", digest="e4d77be0bfef1af2"),
    ),
)
