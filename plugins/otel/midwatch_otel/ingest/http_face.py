"""OTLP over HTTP: `POST /v1/traces` in the console's server, as an ASGI application of its own.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from midwatch_core import Access, AccessDeniedError, Caller, Hostnames, IntakeFullError, Permission, caller_showing
from midwatch_otel.ingest.decoding import MAX_BODY_BYTES, BadBodyError, Encoding, TooLargeError, write_message
from midwatch_otel.ingest.receiver import Receiver
from midwatch_otel.ingest.status import status_body
from midwatch_otel.ingest.unkept import refuse_logs, refuse_metrics

PREFIX = "/v1"
_TRACES = "/v1/traces"
_UNKEPT: Mapping[str, Callable[[bytes, Encoding, str], Message]] = {
    "/v1/metrics": refuse_metrics,
    "/v1/logs": refuse_logs,
}
_MEDIA = {"application/x-protobuf": Encoding.PROTOBUF, "application/json": Encoding.JSON}
# So many bodies are held at once; who comes then is asked to come again, as every exporter does.
_AT_ONCE = 8
_AGAIN_S = 2
# A body that comes slower than this is not waited for.
_BODY_S = 30.0
# gRPC's code for each HTTP status, for the body: clients go by the HTTP status.
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 408: 4, 413: 8, 503: 14}
_UNIMPLEMENTED = 12

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Any]
type Send = Callable[[MutableMapping[str, Any]], Any]


class _Refused(Exception):  # noqa: N818  # an answer, not a fault of ours
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpFace:
    """The application. `receiver` None: this process takes no calls, and says so."""

    hostnames: Hostnames
    access: Access | None
    receiver: Receiver | None
    _slots: asyncio.Semaphore

    @classmethod
    def of(cls, console: str, access: Access | None, receiver: Receiver | None) -> "HttpFace":
        """For a console listening on `console` (HOST:PORT)."""
        names = Hostnames.of_console(console)
        return cls(hostnames=names, access=access, receiver=receiver, _slots=asyncio.Semaphore(_AT_ONCE))

    @property
    def paths(self) -> Mapping[str, frozenset[str]]:
        """What is served, and by which methods."""
        return dict.fromkeys((_TRACES, *_UNKEPT), frozenset({"POST"}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        encoding = _MEDIA.get(headers.get("content-type", "").partition(";")[0].strip().lower())
        spoken = encoding or Encoding.JSON
        try:
            answer = await self._answer(scope, headers, encoding, receive)
        except _Refused as refused:
            body = status_body(_CODES.get(refused.status, _UNIMPLEMENTED), str(refused), spoken)
            await _send(send, refused.status, body, spoken, refused.headers)
        else:
            await _send(send, 200, write_message(answer, spoken), spoken, {})

    async def _answer(
        self, scope: Scope, headers: Mapping[str, str], encoding: Encoding | None, receive: Receive
    ) -> Message:
        path = scope["path"]
        if not self.hostnames.allows(headers.get("host")):
            raise _Refused(421, "This server does not answer to that host name.")
        if path not in self.paths:
            raise _Refused(404, f"Nothing is here; spans are taken at {_TRACES}.")
        if scope["method"] != "POST":
            raise _Refused(405, "Telemetry is sent by POST.", {"Allow": "POST"})
        caller = self._caller(headers)
        if encoding is None:
            raise _Refused(415, f"The content type is {' or '.join(_MEDIA)}.")
        if self._slots.locked():
            raise _Refused(503, "Too many requests at once.", {"Retry-After": str(_AGAIN_S)})
        async with self._slots:
            body = await _body(headers, receive)
            return await self._take(path, caller, body, encoding, headers.get("content-encoding", ""))

    def _caller(self, headers: Mapping[str, str]) -> Caller:
        caller = caller_showing(self.access, headers.get("authorization"), headers.get("x-midwatch-key"))
        if caller is None:
            challenge = {"WWW-Authenticate": 'Bearer realm="midwatch"'}
            raise _Refused(401, "A key is needed: Authorization: Bearer mw_…", challenge)
        if not caller.may(Permission.CALL):
            raise _Refused(403, f"A key of the role {caller.role} sends no calls.")
        return caller

    async def _take(self, path: str, caller: Caller, body: bytes, encoding: Encoding, content_encoding: str) -> Message:
        try:
            if path != _TRACES:
                return await asyncio.to_thread(_UNKEPT[path], body, encoding, content_encoding)
            if self.receiver is None:
                raise _Refused(503, "This process takes no calls.", {"Retry-After": str(_AGAIN_S)})
            return await self.receiver.receive(
                caller, body, encoding=encoding, content_encoding=content_encoding, face="http"
            )
        except BadBodyError as error:
            raise _Refused(400, str(error)) from error
        except TooLargeError as error:
            raise _Refused(413, str(error)) from error
        except AccessDeniedError as error:
            raise _Refused(403, str(error)) from error
        except IntakeFullError as error:
            raise _Refused(503, str(error), {"Retry-After": str(_AGAIN_S)}) from error


async def _body(headers: Mapping[str, str], receive: Receive) -> bytes:
    """The body, within the bound and in time."""
    told = headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:20]) > MAX_BODY_BYTES:
        raise _Refused(413, f"A request has at most {MAX_BODY_BYTES} bytes.")
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            more = True
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise _Refused(400, "The request ended early.")
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > MAX_BODY_BYTES:
                    raise _Refused(413, f"A request has at most {MAX_BODY_BYTES} bytes.")
    except TimeoutError as error:
        raise _Refused(408, "The request came too slowly.") from error
    return bytes(body)


async def _send(send: Send, status: int, body: bytes, encoding: Encoding, headers: Mapping[str, str]) -> None:
    fields = {"content-type": encoding.value, "content-length": str(len(body)), "x-content-type-options": "nosniff"}
    raw = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in {**fields, **headers}.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
