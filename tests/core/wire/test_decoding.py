"""Whole bodies: what was read, where reading stopped, and errors that are no JSON."""

import gzip
import json
from typing import Any

import pytest

from midwatch_core.wire.decoding import decode_request, decode_response
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages
from midwatch_core.wire.target import Target

DIALECT = AnthropicMessages()
TARGET = Target(host="h", path="/v1/messages")
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello there"}]}).encode()


def test_a_request_and_its_document() -> None:
    decoded = decode_request(DIALECT, BODY, TARGET)
    assert decoded.document == json.loads(BODY)
    assert decoded.request.model == "m"
    assert (decoded.request.body_bytes, decoded.request.decode_error) == (len(BODY), None)


def test_a_compressed_request_counts_its_bytes_on_the_wire() -> None:
    body = gzip.compress(BODY)
    decoded = decode_request(DIALECT, body, TARGET, "gzip")
    assert [item.text for item in decoded.request.segments] == ["Hello there"]
    assert decoded.request.body_bytes == len(body)


@pytest.mark.parametrize(
    ("body", "encoding", "model", "error"),
    [
        (BODY[:-12], "", "m", "not JSON at byte"),
        (b"", "", None, "not JSON at byte 0"),
        (b"\x00\x01", "", None, "not JSON at byte 0"),
        (b"[1, 2]", "", None, "/: expected an object, found list"),
        (b'{"model": 3}', "", None, "/model: expected a string, found int"),
        (BODY, "gzip", None, "content-encoding gzip:"),
        (BODY, "unheard-of", None, "content-encoding unheard-of:"),
    ],
)
def test_where_reading_stopped(body: bytes, encoding: str, model: str | None, error: str) -> None:
    request = decode_request(DIALECT, body, TARGET, encoding).request
    assert request.model == model
    assert request.decode_error is not None
    assert request.decode_error.startswith(error)


def test_a_truncated_body_gives_the_text_that_came() -> None:
    request = decode_request(DIALECT, BODY[:-7], TARGET).request
    assert [item.text for item in request.segments] == ["Hello th"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html><h1>502 Bad Gateway</h1></html>", "<html><h1>502 Bad Gateway</h1></html>"),
        (b"upstream connect error " * 100, ("upstream connect error " * 100)[:500]),
        (b"\xff\xfe", "��"),
        (b"", ""),
        (b'{"detail": "Not Found"}', None),
    ],
)
def test_an_http_error_has_an_error_whatever_its_body(body: bytes, message: str | None) -> None:
    response = decode_response(DIALECT, body, 502).response
    assert response.error is not None
    assert response.error.message == message
    assert response.decode_error is None


@pytest.mark.parametrize("dialect", BUILTIN, ids=lambda dialect: dialect.id)
@pytest.mark.parametrize("depth", [500, 1000, 10_000])
def test_deep_nesting_in_every_text_is_survived(dialect: Any, depth: int) -> None:
    deep = "[" * depth + '"deep"' + "]" * depth
    nested = '{"content":' * depth + '"deep"' + "}" * depth
    for value in (deep, nested):
        for key in ("messages", "contents", "input", "prompt", "system", "tools", "content", "candidates", "output"):
            body = f'{{"{key}": {value}}}'.encode()
            decode_request(dialect, body, TARGET)
            decode_response(dialect, body, 200)
        result = f'{{"type": "tool_result", "content": {value}}}'
        body = f'{{"messages": [{{"role": "user", "content": [{result}]}}]}}'.encode()
        request = decode_request(dialect, body, TARGET).request
        if depth == 500 and dialect.id == "anthropic.messages":
            assert "deep" in request.segments[0].text
