"""Gemini Code Assist: Gemini's requests and answers, each inside a member of its own, as Gemini CLI speaks them."""

from __future__ import annotations

from dataclasses import replace

import orjson

from midwatch.simulated.call import Answer, Call
from midwatch.simulated.google import gemini
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import data_event
from midwatch.simulated.turn import compose


def load(call: Call, script: Script) -> Answer:
    """The answer to `/v1internal:loadCodeAssist`: who is logged in, and the project that pays; asked before all else.

    https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/code_assist/setup.ts
    """
    if script.status >= 400:
        return gemini.error(call, script)
    tier = {"id": "free-tier", "name": "Gemini Code Assist for individuals", "hasOnboardedPreviously": True}
    return Answer(body=orjson.dumps({"currentTier": tier, "cloudaicompanionProject": "simulated-project"}))


def nothing(call: Call, script: Script) -> Answer:
    """The answer to what the client asks beside: experiments, and what is left of its quota. None here."""
    return gemini.error(call, script) if script.status >= 400 else Answer(body=b"{}")


def generate(call: Call, script: Script) -> Answer:
    """The answer to `/v1internal:generateContent`."""
    if script.status >= 400:
        return gemini.error(call, script)
    inner = _inner(call)
    response = gemini.whole(inner, compose(gemini.read(inner), script), script)
    return Answer(body=orjson.dumps({"response": response, "traceId": call.token("", 16)}))


def stream(call: Call, script: Script) -> Answer:
    """The answer to `/v1internal:streamGenerateContent?alt=sse`."""
    if script.status >= 400:
        return gemini.error(call, script)
    inner = _inner(call)
    chunks = gemini.chunk_list(inner, compose(gemini.read(inner), script), script)
    trace = call.token("", 16)
    events = (data_event({"response": chunk, "traceId": trace}).replace(b"\n\n", b"\r\n\r\n") for chunk in chunks)
    failure = gemini.error(call, replace(script, status=503)).body or b""
    packed = b"data: " + orjson.dumps(orjson.loads(failure)) + b"\r\n\r\n"
    return Answer(content_type="text/event-stream", events=events, failure=packed)


def count(call: Call, script: Script) -> Answer:
    """The answer to `/v1internal:countTokens`."""
    return gemini.count(_inner(call), script)


def _inner(call: Call) -> Call:
    """The same call as Gemini's own API would have it."""
    request = call.body.get("request")
    request = request if isinstance(request, dict) else {}
    model = str(call.body.get("model") or request.get("model") or "gemini-2.5-pro").removeprefix("models/")
    return replace(call, path=f"/v1/models/{model}:generateContent", body=request)
