"""OpenAI's headers and error bodies, with the variations of those who speak its language."""

from __future__ import annotations

import orjson

from midwatch.simulated.call import Answer, Call, Headers, Json
from midwatch.simulated.script import Script

_SHAPES = {
    400: ("invalid_request_error", "invalid_request", "We could not parse the request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-simul**ated."),
    403: (
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country or region not supported",
    ),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
    503: (
        "service_unavailable_error",
        "service_unavailable",
        "The engine is currently overloaded.",
    ),
}
_SERVER = ("server_error", None, "The server had an error while processing your request. Sorry about that!")


def headers(call: Call, model: str = "") -> Headers:
    """What api.openai.com sends beside the content headers."""
    return (
        ("x-request-id", call.token("req_", 32)),
        ("openai-organization", "simulated"),
        ("openai-processing-ms", "42"),
        ("openai-version", "2020-10-01"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-reset-requests", "6ms"),
        *((("openai-model", model),) if model else ()),
    )


def error_body(status: int, flavour: str, message: str | None = None) -> Json:
    """The error object for a status, in the shape of `flavour`: azure, openrouter, or else OpenAI's."""
    kind, code, text = _SHAPES.get(status, _SERVER)
    text = message or text
    if flavour == "azure":
        return {"error": {"code": str(status), "message": text}}
    if flavour == "openrouter":
        return {"error": {"message": text, "code": status}, "user_id": "user_simulated"}
    return {"error": {"message": text, "type": kind, "param": None, "code": code}}


def error(call: Call, script: Script, flavour: str = "openai", message: str | None = None) -> Answer:
    """An error answer; 429 and 503 say when to come again."""
    extra: Headers = ()
    if script.status in (429, 503):
        extra = (("retry-after", f"{script.retry_after:g}"), ("retry-after-ms", f"{script.retry_after * 1000:.0f}"))
    body = orjson.dumps(error_body(script.status, flavour, message), option=orjson.OPT_INDENT_2)
    return Answer(status=script.status, headers=headers(call) + extra, body=body)
