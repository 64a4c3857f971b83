"""Patch `joined-writes`: what one event makes a connection send goes to the kernel in one call.

Stock writes head and body, and each TLS record, with a send(2) of its own. Nothing is held beyond the event that
caused it. Needs `inline-hooks`; without it, it does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.server import ConnectionHandler

from midwatch.lean.inline_hooks import InlineHooks
from midwatch.lean.patch import Guard, Patch, Replacement

JOIN_LIMIT = 65_536
"""Up to this many bytes are copied into one buffer; more are handed over as they are (`writelines`)."""

_one_by_one = InlineHooks.handle_event


def handle_event(self: InlineHooks, event: events.Event) -> Iterator[commands.Command]:
    """Stand in for `InlineHooks.handle_event`: the same commands, with runs of `SendData` written at once."""
    parts: list[bytes] = []
    connection: Connection | None = None
    try:
        for command in _one_by_one(self, event):
            if type(command) is commands.SendData:
                if command.connection is not connection:
                    _write(self, connection, parts)
                    connection = command.connection
                parts.append(command.data)
            elif type(command) is commands.Log:
                yield command  # stock logs between head and body of a streamed response
            else:
                _write(self, connection, parts)
                yield command
    finally:
        _write(self, connection, parts)


def _write(top: InlineHooks, connection: Connection | None, parts: list[bytes]) -> None:
    """Write and clear `parts`, as stock's `server_event` does for each `SendData`."""
    if not parts or connection is None:
        return
    data, parts[:] = list(parts), []
    io = top.handler.transports.get(connection)
    if io is None:
        return  # the connection has already been closed
    writer = io.writer
    assert writer
    if writer.is_closing():
        return
    if len(data) == 1:
        writer.write(data[0])
    elif isinstance(writer, asyncio.StreamWriter) and sum(map(len, data)) > JOIN_LIMIT:
        writer.writelines(data)
    else:
        writer.write(b"".join(data))


JOINED_WRITES = Patch(
    name="joined-writes",
    changes="all that one event sends on a connection is one write",
    replacements=(Replacement(owner=InlineHooks, name="handle_event", new=handle_event),),
    guards=(Guard(owner=ConnectionHandler, name="server_event", digest="a2b42657ebe8bf6d"),),
)
