"""Bedrock's headers and error bodies: a message in the body, its type in a header."""

from __future__ import annotations

import orjson

from midwatch.simulated.bedrock.framing import exception
from midwatch.simulated.call import Answer, Call, Headers
from midwatch.simulated.script import Script

_ERRORS = {
    400: ("ValidationException", "The provided model identifier is invalid."),
    401: ("UnrecognizedClientException", "The security token included in the request is invalid."),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: ("ResourceNotFoundException", "Could not resolve the foundation model from the provided model identifier."),
    408: ("ModelTimeoutException", "Model has timed out in processing the request. Try your request again."),
    424: (
        "ModelErrorException",
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    503: ("ServiceUnavailableException", "Bedrock is unable to process your request."),
}
_SERVER = ("InternalServerException", "The system encountered an unexpected error during processing.")

# What breaks a stream in its middle.
FAILURE = exception("modelStreamErrorException", "The system encountered an unexpected error during processing.")


def headers(call: Call) -> Headers:
    """What Bedrock sends beside the content headers."""
    digits = call.token("", 32)
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return (("x-amzn-requestid", "-".join(parts)),)


def error(call: Call, script: Script, *, message: str | None = None) -> Answer:
    """An error in AWS's shape."""
    kind, text = _ERRORS.get(script.status, _SERVER)
    body = orjson.dumps({"message": message or text})
    return Answer(status=script.status, headers=(*headers(call), ("x-amzn-errortype", f"{kind}:")), body=body)
