"""Patch `http-routing`: the HTTP layer looks at a command's type once, the frequent ones first.

Every piece of an exchange passes `HttpLayer.event_to_child` about eight times; stock asks up to seven isinstance
questions each time.
"""

from __future__ import annotations

from collections.abc import Iterator

from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layer import Layer
from mitmproxy.proxy.layers.http import (
    DropStream,
    GetHttpConnection,
    HttpLayer,
    RegisterHttpConnection,
    RequestHeaders,
    SendHttp,
)
from mitmproxy.proxy.layers.http._base import ReceiveHttp

from midwatch.lean.patch import Guard, Patch, Replacement

def event_to_child(self: HttpLayer, child: Layer, event: events.Event) -> Iterator[commands.Command]:
    """Stand in for `HttpLayer.event_to_child`."""
    for command in child.handle_event(event):
        kind = type(command)
        if kind is commands.SendData:
            yield command
        elif kind is SendHttp:
            yield from self.event_to_child(self.connections[command.connection], command.event)
        elif kind is ReceiveHttp:
            if type(command.event) is RequestHeaders:
                yield from self.make_stream(command.event.stream_id)
            # As in stock: events for a stream that is already done are dropped.
            stream = self.streams.get(command.event.stream_id)
            if stream is not None:
                yield from self.event_to_child(stream, command.event)
        else:
            yield from _rare(self, child, command, event)


def _rare(self: HttpLayer, child: Layer, command: commands.Command, event: events.Event) -> Iterator[commands.Command]:
    """The rest of stock's cases, in stock's order."""
    if command.blocking or isinstance(command, commands.RequestWakeup):
        self.command_sources[command] = child
    if isinstance(command, DropStream):
        self.streams.pop(command.stream_id, None)
    elif isinstance(command, GetHttpConnection):
        yield from self.get_connection(command)
    elif isinstance(command, RegisterHttpConnection):
        yield from self.register_connection(command)
    elif isinstance(command, commands.OpenConnection):
        self.connections[command.connection] = child
        yield command
    elif isinstance(command, commands.Command):
        yield command
    else:
        raise AssertionError(f"Not a command: {event}")


HTTP_ROUTING = Patch(
    name="http-routing",
    changes="HttpLayer.event_to_child asks for a command's type once",
    replacements=(Replacement(owner=HttpLayer, name="event_to_child", new=event_to_child),),
    guards=(
        Guard(owner=HttpLayer, name="event_to_child", digest="1095f6e1581d1780"),
        Guard(owner=HttpLayer, name="make_stream", digest="654959c6e74548e1"),
    ),
)
