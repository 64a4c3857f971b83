"""Patch `trailers`: trailer fields of HTTP/1.1 (RFC 9112, section 7.1.2) pass, in requests and in answers.

Stock says that they are not implemented yet: its layer breaks at them, and whoever waits for the end of that message
waits for ever. It carries those of HTTP/2 already, and breaks where the other side speaks HTTP/1.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import h11
from h11._readers import ChunkedReader
from mitmproxy import http
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestEndOfMessage,
    RequestTrailers,
    ResponseData,
    ResponseEndOfMessage,
    ResponseTrailers,
)
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server

from midwatch.lean.patch import Guard, Patch, Replacement

type Commands = Iterator[commands.Command]

_LAST_CHUNK = b"0\r\n\r\n"
_READ_BODY = Http1Connection.read_body
_SEND_ANSWER, _SEND_REQUEST = Http1Server.send, Http1Client.send


def read_body(self: Any, event: events.Event) -> Commands:
    """Stand in for `Http1Connection.read_body`: trailers are taken out of the last chunk, and told on their own."""
    reader = self.body_reader
    if type(reader) is ChunkedReader:
        reader = self.body_reader = _Reader(reader)
    return _read_chunks(self, event, reader) if type(reader) is _Reader else _READ_BODY(self, event)


def _read_chunks(connection: Http1Connection, event: events.Event, reader: _Reader) -> Commands:
    for command in _READ_BODY(connection, event):
        if reader.trailers and isinstance(command, ReceiveHttp):
            told = RequestTrailers if isinstance(connection, Http1Server) else ResponseTrailers
            yield ReceiveHttp(told(command.event.stream_id, http.Headers(reader.trailers)))
            reader.trailers = []
        yield command


class _Reader:
    """A reader of chunks that keeps the trailers to itself."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self.trailers: list[tuple[bytes, bytes]] = []

    def __call__(self, data: Any) -> Any:
        found = self._reader(data)
        if isinstance(found, h11.EndOfMessage) and found.headers:
            self.trailers = [(bytes(name), bytes(value)) for name, value in found.headers.raw_items()]
            return h11.EndOfMessage()
        return found

    def read_eof(self) -> Any:
        return self._reader.read_eof()


def send_answer(self: Http1Server, event: HttpEvent) -> Commands:
    """Stand in for `Http1Server.send`."""
    return _SEND_ANSWER(self, event) if type(event) is ResponseData else _send(self, event, _SEND_ANSWER)


def send_request(self: Http1Client, event: HttpEvent) -> Commands:
    """Stand in for `Http1Client.send`."""
    return _SEND_REQUEST(self, event) if type(event) is RequestData else _send(self, event, _SEND_REQUEST)


def _send(connection: Any, event: HttpEvent, stock: Callable[[Any, HttpEvent], Commands]) -> Commands:
    """Trailers wait for the last chunk, which is theirs; a body of known length has none, and leaves them out."""
    if isinstance(event, RequestTrailers | ResponseTrailers):
        connection.midwatch_trailers = event.trailers
        return
    trailers = getattr(connection, "midwatch_trailers", None)
    if trailers is None or not isinstance(event, RequestEndOfMessage | ResponseEndOfMessage):
        yield from stock(connection, event)
        return
    connection.midwatch_trailers = None
    for command in stock(connection, event):
        if isinstance(command, commands.SendData) and command.data == _LAST_CHUNK:
            yield commands.SendData(command.connection, b"0\r\n%s\r\n" % bytes(trailers))
        else:
            yield command


TRAILERS = Patch(
    name="trailers",
    changes="trailer fields of HTTP/1.1 pass; stock breaks at them",
    replacements=(
        Replacement(owner=Http1Connection, name="read_body", new=read_body),
        Replacement(owner=Http1Server, name="send", new=send_answer),
        Replacement(owner=Http1Client, name="send", new=send_request),
    ),
    guards=(
        Guard(owner=Http1Connection, name="read_body", digest="aece271029af36e4"),
        Guard(owner=Http1Server, name="send", digest="cc218a1337c0f5cf"),
        Guard(owner=Http1Client, name="send", digest="35d961e20d481204"),
    ),
)
