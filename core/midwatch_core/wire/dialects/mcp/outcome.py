"""How calls of MCP end: errors of JSON-RPC, tools that failed, and refusals of ours in the same shape."""

from typing import Any

from midwatch_core.model.changing import changed
from midwatch_core.model.content import Json, ProviderError
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.answering import json_answer
from midwatch_core.wire.dialects.mcp.awaited import Awaited, Id
from midwatch_core.wire.jsontext import compact
from midwatch_core.wire.node import Node

# A tool's own failure, which its client's model is told: the raw finish reason.
FAILED = "isError"
# JSON-RPC leaves -32099 to -32000 to servers.
_SERVER_ERROR = -32000


def read_error(message: Node) -> ProviderError | None:
    """The error of one message, None where there is none. Gateways and OAuth write `error` as a string."""
    error = message["error"]
    if error.is_dict:
        code = error["code"].value
        return ProviderError(type=None if code is None else str(code), message=error["message"].text())
    if error.is_str:
        return ProviderError(type=error.text(), message=message["error_description"].text())
    return None


def has_failed(message: Node) -> bool:
    """Whether a tool says that it failed."""
    return message["result"]["isError"].flag()


def refuse(refusal: Refusal, awaited: Awaited) -> Answer:
    """An answer that client libraries raise as the error of their request.

    They do so for HTTP 200 alone: another status breaks their connection. It is kept where nothing is awaited here, for
    the specification says so, and nobody would read the error.
    """
    errors: list[Json] = [error_of(refusal, awaited_id) for awaited_id in awaited.ids]
    body = errors if awaited.batch and errors else errors[0] if errors else error_of(refusal, None)
    status = 200 if errors and awaited.here else refusal.status
    return json_answer(changed(refusal, status=status), body)


def refuse_in_stream(refusal: Refusal, awaited: Awaited) -> bytes:
    """The same as events, which end the stream."""
    errors = (compact(error_of(refusal, awaited_id)).encode() for awaited_id in awaited.ids)
    return b"".join(b"event: message\ndata: " + error + b"\n\n" for error in errors)


def error_of(refusal: Refusal, answers: Id | None) -> dict[str, Any]:
    """A JSON-RPC error."""
    data = {"code": refusal.code, "status": refusal.status, "request_id": refusal.request_id}
    error = {"code": _SERVER_ERROR, "message": refusal.message, "data": data}
    return {"jsonrpc": "2.0", "id": answers, "error": error}
