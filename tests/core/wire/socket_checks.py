"""A socket's conversation held against its reader: messages as documents, and the calls as a host records them."""

import json
from typing import Any, cast

from midwatch_core.model.content import Request, Response
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.socket import MESSAGES, Heard, Said, SocketDialect
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target


class Talk:
    """Both sides of one socket. `requests` and `answers` are by the call's number, `answers` once it is complete."""

    def __init__(self, dialect: SocketDialect, target: Target) -> None:
        self.dialect = dialect
        self.reader = dialect.socket_reader(target)
        self.requests: dict[int, Request] = {}
        self.answers: dict[int, Response] = {}
        self._open: dict[int, ResponseDecoder] = {}

    def say(self, type_: str, **fields: Any) -> Said:
        """The client's message."""
        said = self.reader.sent(json.dumps({"type": type_, **fields}).encode())
        if said.begins is not None:
            self._begin(len(self.requests), said.begins.request)
        return said

    def hear(self, type_: str, **fields: Any) -> Heard:
        """The server's message."""
        return self.take(json.dumps({"type": type_, **fields}).encode())

    def take(self, message: bytes) -> Heard:
        """The same, in bytes."""
        heard = self.reader.received(message)
        if heard.begins is not None:
            assert heard.call == len(self.requests)
            self._begin(heard.call, heard.begins.request)
        if heard.call is not None and heard.call in self._open:
            decoder = self._open[heard.call]
            decoder.feed(message)
            if decoder.complete:
                self.answers[heard.call] = self._open.pop(heard.call).finish().response
        return heard

    def broken(self) -> dict[int, Response]:
        """The answers under way, were the socket to close now."""
        return {number: decoder.finish(in_order=False).response for number, decoder in self._open.items()}

    def _begin(self, number: int, request: Request) -> None:
        self.requests[number] = request
        self._open[number] = ResponseDecoder(
            cast(Dialect, self.dialect), status=101, content_type=MESSAGES, content_encoding="", asked_to_stream=True
        )
