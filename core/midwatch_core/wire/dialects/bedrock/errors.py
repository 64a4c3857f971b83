"""AWS's error shape, read and written: a message in the body, its type in a header, or an exception in the stream.

The types are those of the service's model (github.com/boto/botocore, `bedrock-runtime`); clients raise by them.
"""

import orjson

from midwatch_core.model.content import Json, ProviderError
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.answering import json_answer, notice
from midwatch_core.wire.eventstream import event_message
from midwatch_core.wire.node import Node

_TYPES = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    413: "ValidationException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
_FAILURES = ("Exception", "Error", "Fault")


def read_error(body: Node) -> ProviderError | None:
    """The error of a body; None where it has no message. Some front ends write `Message` and a `__type`."""
    message = body["message"].text() or body["Message"].text()
    kind = body["__type"].text() or body["code"].text()
    return ProviderError(type=(kind or "").rpartition("#")[2] or None, message=message) if message or kind else None


def error_type(header: str) -> str:
    """The type in `x-amzn-errortype`, which may have a namespace before it and a URL behind it."""
    return header.partition(":")[0].rpartition("#")[2]


def is_failure(name: str) -> bool:
    """Whether an event of a stream is an exception or an error."""
    return name.endswith(_FAILURES)


def refuse(refusal: Refusal) -> Answer:
    """A refusal as an answer of its own; what is not to be tried again gets a status that no client retries."""
    status, kind = refusal.status, _type(refusal.status)
    if status == 429 and not refusal.retry:
        status, kind = 400, "ServiceQuotaExceededException"
    body: dict[str, Json] = {"message": refusal.message, **notice(refusal)}
    extra = (("x-amzn-errortype", kind), ("x-amzn-requestid", refusal.request_id))
    answer = json_answer(refusal, body, *extra)
    return Answer(status=status, headers=answer.headers, body=answer.body)


def refuse_in_stream(refusal: Refusal) -> bytes:
    """A refusal as the exception that ends a stream."""
    return event_message(*exception(refusal))


def exception(refusal: Refusal) -> tuple[str, bytes]:
    """The same as name and data. The streams' models have few exceptions: a refusal by policy is a validation's."""
    kinds = {429: "throttlingException", 503: "serviceUnavailableException"}
    default = "internalServerException" if refusal.status >= 500 else "validationException"
    body: dict[str, Json] = {"message": refusal.message, **notice(refusal)}
    return kinds.get(refusal.status, default), orjson.dumps(body)


def _type(status: int) -> str:
    return _TYPES.get(status, "InternalServerException" if status >= 500 else "ValidationException")
