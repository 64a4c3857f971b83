"""Every recorded exchange, by the way a call takes: recognised by the shipped catalogue, then read in full.

What each says is held against a second reading by the tests of its dialect; this one sees that none is left out.
"""

from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from midwatch_core.model.content import Operation, Request, Response
from midwatch_core.wire.catalogue import Catalogue, CatalogueSpec, Match
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target
from tests.core.wire.recordings import ABSENT, Message, Recording, everything

DIALECTS = {dialect.id: dialect for dialect in BUILTIN}
# A split that falls into the middle of characters, lines and frames.
CHUNK = 97


@cache
def catalogue() -> Catalogue:
    text = (files("midwatch_rules") / "providers.yaml").read_text()
    return Catalogue([CatalogueSpec.model_validate(yaml.safe_load(text))], dialects=DIALECTS)


def matched(recording: Recording) -> Match:
    url, method = urlsplit(recording.uri), str(recording.request.head["method"])
    port = url.port or (443 if url.scheme == "https" else 80)
    headers = recording.request.headers
    found = catalogue().match(url.hostname or "", port, method, url.path, headers=headers)
    found = found or catalogue().match_anywhere(method, url.path, headers=headers)
    assert found is not None, f"{method} {recording.uri} is no call"
    return found


def coding(message: Message) -> str:
    """Bodies that were recorded as text had their content coding undone."""
    return message.headers.get("content-encoding", "") if message.body.startswith(b"\x1f\x8b") else ""


def asked(recording: Recording, match: Match) -> Request:
    url = urlsplit(recording.uri)
    target = Target(
        host=url.hostname or "",
        path=url.path,
        method=str(recording.request.head["method"]),
        query=dict(parse_qsl(url.query)),
        headers=recording.request.headers,
        captures=match.captures,
    )
    return decode_request(DIALECTS[match.dialect], recording.request.body, target, coding(recording.request)).request


def answered(recording: Recording, match: Match, request: Request) -> Response:
    message = recording.response
    decoder = ResponseDecoder(
        DIALECTS[match.dialect],
        status=recording.status,
        content_type=message.headers.get("content-type", ""),
        content_encoding=coding(message),
        asked_to_stream=request.stream,
        headers=message.headers,
    )
    for start in range(0, len(message.body), CHUNK):
        decoder.feed(message.body[start : start + CHUNK])
    return decoder.finish().response


def every() -> list[Any]:
    found = [pytest.param(item, id=f"{number}-{item.kind}") for number, item in enumerate(everything())]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]


@pytest.mark.parametrize("recording", every())
def test_each_recorded_exchange_is_recognised_and_read_in_full(recording: Recording) -> None:
    match = matched(recording)
    request = asked(recording, match)
    response = answered(recording, match, request)
    assert request.decode_error is None
    assert request.segments
    assert request.model or response.model
    assert response.decode_error is None
    assert response.complete
    if recording.status >= 400 or response.error is not None:
        assert response.error is not None
        assert response.error.message
        return
    # Streams of chat completions count only where they are asked to (stream_options.include_usage).
    assert (response.usage is not None) == _tells_usage(recording)
    if request.operation is not Operation.EMBEDDINGS:
        assert response.finish_reason is not None
        assert response.segments


def _tells_usage(recording: Recording) -> bool:
    """By a plain look at the bytes: the providers' own words for what was used."""
    plain = recording.response.plain.replace(b" ", b"").replace(b"null", b"")
    words = (b'"usage":{', b'"usageMetadata":{', b'"prompt_eval_count":', b"amazon-bedrock-invocationMetrics", b"eyJ")
    # `eyJ`: a Bedrock chunk, whose base64 holds the rest.
    billed = any(name.startswith("x-amzn-bedrock-") for name in recording.response.headers)
    return billed or any(word in plain for word in words)
