"""Patch `socket-asides`: an addon sends messages of its own on a WebSocket, in their place among those relayed.

Stock's `inject.websocket` sends them some turns of the loop later, behind whatever was read meanwhile, and mixes them
into a message that has come in part: it takes them for a part of it. Here, what an addon's `websocket_message` hook
leaves in the flow's metadata goes out right after the hook, before the message it was called for.
"""

from __future__ import annotations

from collections.abc import Iterator

from mitmproxy import ctx, http
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.websocket import (
    Fragmentizer,
    WebsocketConnection,
    WebsocketLayer,
    WebsocketMessageHook,
)
from mitmproxy.websocket import WebSocketMessage
from wsproto.connection import ConnectionState

from midwatch.lean.patch import Guard, Patch, Replacement

_ASIDES = "midwatch_asides"
_INJECTED = "midwatch_injected"
_STOCK = WebsocketLayer.relay_messages


def say(flow: http.HTTPFlow, content: bytes, *, to_client: bool) -> None:
    """Send a text message from within `websocket_message`; on stock code in stock's way, which comes back as a hook."""
    if WebsocketLayer.relay_messages is relay_messages:
        flow.metadata.setdefault(_ASIDES, []).append((to_client, content))
    else:
        flow.metadata[_INJECTED] = flow.metadata.get(_INJECTED, 0) + 1
        ctx.master.commands.call("inject.websocket", flow, to_client, content, True)


def is_aside(flow: http.HTTPFlow, message: WebSocketMessage) -> bool:
    """Whether a message is one that was said here, on stock code; to be asked once a message."""
    if not message.injected or not flow.metadata.get(_INJECTED):
        return False
    flow.metadata[_INJECTED] -= 1
    return True


def relay_messages(self: WebsocketLayer, event: events.Event) -> Iterator[commands.Command]:
    """Stand in for `WebsocketLayer.relay_messages`."""
    for command in _STOCK(self, event):
        yield command
        if isinstance(command, WebsocketMessageHook):
            yield from _asides(self)


def _asides(layer: WebsocketLayer) -> Iterator[commands.Command]:
    for to_client, content in layer.flow.metadata.pop(_ASIDES, ()):
        receiver: WebsocketConnection = layer.client_ws if to_client else layer.server_ws
        if receiver.state is ConnectionState.OPEN:
            for part in Fragmentizer([], True)(content):
                yield receiver.send2(part)


SOCKET_ASIDES = Patch(
    name="socket-asides",
    changes="an addon's own WebSocket messages go out in their place among those relayed",
    replacements=(Replacement(owner=WebsocketLayer, name="relay_messages", new=relay_messages),),
    guards=(
        Guard(owner=WebsocketLayer, name="relay_messages", digest="2d451252c7287da0"),
        Guard(owner=WebsocketLayer, name="start", digest="8445ad1cfb2fcca5"),
        Guard(owner=WebsocketConnection, name="send2", digest="f33f2c236db2bec9"),
        Guard(owner=Fragmentizer, name="__init__", digest="cbb6e60c87171bb4"),
        Guard(owner=Fragmentizer, name="__call__", digest="b4c8fd9dcb743f66"),
        Guard(owner=Fragmentizer, name="msg", digest="32bf334c0b5e9936"),
    ),
)
