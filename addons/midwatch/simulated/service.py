"""From a request's bytes to the answer and the script to deliver it by: shared by HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.forms import form_fields, is_form
from midwatch.simulated.received import Ledger, Progress
from midwatch.simulated.routes import route_of
from midwatch.simulated.script import Script, ScriptError, parse_script
from midwatch.simulated.transport.compression import UndecodableBodyError, decode_body


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """A request in bytes: headers as on the wire, `fields` the same by lower-case name (the last of a repeated one)."""

    http_version: str
    method: str
    target: str
    authority: str
    headers: tuple[tuple[str, str], ...]
    fields: dict[str, str]
    body: bytes
    keep_alive: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to deliver, how, and where to write down how far it got."""

    answer: Answer
    script: Script
    progress: Progress


class Service:
    """Answers requests. `clock` gives seconds since the epoch for `created` fields."""

    def __init__(self, *, ledger: Ledger, script: Script, clock: Callable[[], float] = time.time) -> None:
        self.ledger = ledger
        self._script = script
        self._clock = clock

    def order(self, raw: RawRequest) -> Order:
        """The answer to a request; whatever is wrong with it becomes an answer too."""
        progress = self.note(raw)
        try:
            script = self.scripted(raw)
        except ScriptError as wrong:
            answer = _plain(400, {"error": str(wrong)})
            return Order(answer=answer, script=Script(), progress=progress)
        answer = self._answer(raw, script)
        return Order(answer=answer, script=script, progress=progress)

    def note(self, raw: RawRequest) -> Progress:
        """Write down that a request, or a message as one, arrived."""
        return self.ledger.note(
            http_version=raw.http_version,
            method=raw.method,
            host=_host(raw.authority),
            target=raw.target,
            headers=raw.headers,
            body=raw.body,
            id=raw.fields.get("x-sim-id", ""),
        )

    def scripted(self, raw: RawRequest) -> Script:
        """How to answer a request. Raises ScriptError."""
        header = raw.fields.get("x-sim")
        return parse_script(header, self._script) if header else self._script

    def call(self, raw: RawRequest, body: Json) -> Call:
        """The request that was noted last, as builders of answers see it."""
        path, _, query = raw.target.partition("?")
        return Call(
            method=raw.method,
            host=_host(raw.authority),
            path=path,
            query=query,
            headers=raw.fields,
            body=body,
            at=int(self._clock()),
            serial=self.ledger.total,
        )

    def _answer(self, raw: RawRequest, script: Script) -> Answer:
        if script.echo:
            return _echo(raw)
        call = self.call(raw, {})
        route = route_of(raw.method, call.path)
        if route is None:
            return _no_operation(call, script)
        try:
            body = _json(raw)
        except UndecodableBodyError as wrong:
            return route.error(call, replace(script, status=400), message=str(wrong))
        return route.build(replace(call, body=body), script)


def _host(authority: str) -> str:
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].lower()


def _json(raw: RawRequest) -> Json:
    if not raw.body:
        return {}
    data = decode_body(raw.body, raw.fields.get("content-encoding", ""))
    content_type = raw.fields.get("content-type", "")
    if is_form(content_type):
        return form_fields(data, content_type)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as wrong:
        raise UndecodableBodyError(f"body is not JSON: {wrong}") from wrong
    if not isinstance(value, dict):
        raise UndecodableBodyError("body is no JSON object")
    return value


def _plain(status: int, value: Json) -> Answer:
    return Answer(status=status, body=orjson.dumps(value))


def _echo(raw: RawRequest) -> Answer:
    digest = hashlib.sha256(raw.body).hexdigest()
    return _plain(
        200, {"sha256": digest, "length": len(raw.body), "http_version": raw.http_version, "target": raw.target}
    )


def _no_operation(call: Call, script: Script) -> Answer:
    """What is no LLM call: a page for a browser's GET, 404 for the rest."""
    if script.status >= 400:
        return _plain(script.status, {"error": {"message": "simulated error", "code": script.status}})
    if call.method in ("GET", "HEAD"):
        text = f"{call.host} is simulated; {call.path} is no LLM call.\n"
        return Answer(content_type="text/plain; charset=utf-8", body=text.encode())
    return _plain(404, {"error": {"message": f"Invalid URL ({call.method} {call.path})", "code": None}})
