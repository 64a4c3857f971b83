"""The decoder of responses: which kind a body is, in which pieces it comes, and what can go wrong with it."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.stream import StreamKind
from midwatch_core.wire import assembly, sse, streaming
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages
from midwatch_core.wire.dialects.gemini.generate_content import GeminiGenerateContent
from midwatch_core.wire.dialects.ollama.generate import OllamaGenerate
from midwatch_core.wire.streaming import ResponseDecoder
from tests.core.wire.wire_checks import by_path, cuts, ndjson, read_stream, split_at
from tests.core.wire.wire_checks import sse as sse_body

ANTHROPIC, GEMINI, OLLAMA = AnthropicMessages(), GeminiGenerateContent(), OllamaGenerate()
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"id": "m", "model": "claude", "usage": {"input_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Grüße "}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "😀"}},
    {"type": "message_stop"},
]
STREAM = sse_body(*EVENTS, named=True)
WHOLE = json.dumps({"type": "message", "model": "claude", "content": [{"type": "text", "text": "Hi"}]}).encode()
ENCODERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("", lambda body: body),
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("br", brotli.compress),
    ("zstd", zstandard.ZstdCompressor().compress),
]
SAID = {"/content/0/text": ("assistant", "Grüße 😀")}


def decoder(content_type: str = "text/event-stream", *, encoding: str = "", asked: bool = True) -> ResponseDecoder:
    return ResponseDecoder(
        ANTHROPIC, status=200, content_type=content_type, content_encoding=encoding, asked_to_stream=asked
    )


@pytest.mark.parametrize(
    ("content_type", "body", "streamed"),
    [
        ("text/event-stream; charset=utf-8", STREAM, True),
        ("TEXT/EVENT-STREAM", STREAM, True),
        ("", STREAM, True),
        ("text/plain", b": keep-alive\n\n" + STREAM, True),
        ("text/plain", b"\n" * 40 + STREAM, True),
        ("application/octet-stream", b"\xef\xbb\xbf" + STREAM, True),
        ("application/json", WHOLE, False),
        ("", WHOLE, False),
        ("text/html", b"<html>gateway error</html>", False),
    ],
)
def test_kinds(content_type: str, body: bytes, streamed: bool) -> None:
    for chunks in ([body], [bytes([byte]) for byte in body]):
        found = decoder(content_type)
        for chunk in chunks:
            found.feed(chunk)
        response = found.finish().response
        assert found.streamed is streamed
        if streamed:
            assert by_path(response) == SAID
            assert response.complete


def test_an_array_is_a_stream_only_where_one_was_asked_for() -> None:
    body = json.dumps([{"candidates": [{"content": {"parts": [{"text": "a"}]}}]}]).encode()
    for asked, at in ((True, ""), (False, "/0")):
        found = ResponseDecoder(
            GEMINI, status=200, content_type="application/json", content_encoding="", asked_to_stream=asked
        )
        found.feed(body)
        assert by_path(found.finish().response) == {f"{at}/candidates/0/content/parts/0/text": ("assistant", "a")}
        assert found.streamed is asked


@given(st.sampled_from(ENCODERS), cuts)
def test_any_split_of_any_encoding(encoder: tuple[str, Callable[[bytes], bytes]], where: list[int]) -> None:
    encoding, encode = encoder
    response, _ = read_stream(ANTHROPIC, split_at(encode(STREAM), where), encoding=encoding)
    assert by_path(response) == SAID
    assert response.complete
    assert response.decode_error is None


class _Zlib:
    def __init__(self, wbits: int) -> None:
        self._encoder = zlib.compressobj(wbits=wbits)

    def flushed(self, data: bytes) -> bytes:
        return self._encoder.compress(data) + self._encoder.flush(zlib.Z_SYNC_FLUSH)


class _Brotli:
    def __init__(self) -> None:
        self._encoder = brotli.Compressor()

    def flushed(self, data: bytes) -> bytes:
        return bytes(self._encoder.process(data) + self._encoder.flush())


class _Zstd:
    def __init__(self) -> None:
        self._encoder = zstandard.ZstdCompressor().compressobj()

    def flushed(self, data: bytes) -> bytes:
        return self._encoder.compress(data) + self._encoder.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


@pytest.mark.parametrize(
    ("encoding", "make"),
    [("gzip", lambda: _Zlib(31)), ("deflate", lambda: _Zlib(15)), ("br", _Brotli), ("zstd", _Zstd)],
    ids=["gzip", "deflate", "br", "zstd"],
)
def test_each_event_is_read_as_it_is_flushed(encoding: str, make: Callable[[], Any]) -> None:
    """Compressed streams are flushed event by event: none may wait for the next."""
    encoder = make()
    found = decoder(encoding=encoding)
    kinds = [[item.kind for item in found.feed(encoder.flushed(sse_body(event)))] for event in EVENTS]
    assert kinds == [[StreamKind.USAGE], [], [StreamKind.TEXT], [StreamKind.TEXT], []]
    assert found.complete


def test_an_event_over_several_data_lines() -> None:
    body = STREAM.replace(b', "delta"', b',\ndata: "delta"').replace(b"\n\n", b"\r\n: keep-alive\r\n\r\n")
    response, _ = read_stream(ANTHROPIC, [body])
    assert by_path(response) == SAID
    assert response.decode_error is None


def test_neighbouring_deltas_of_one_read_are_one_event() -> None:
    assert [item.text for item in decoder().feed(STREAM) if item.text] == ["Grüße 😀"]


def test_a_whole_answer_that_breaks_off() -> None:
    found = decoder("application/json")
    found.feed(WHOLE[:-9])
    response = found.finish(in_order=False).response
    assert not response.complete
    assert response.decode_error == "the answer broke off"
    assert response.model == "claude"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "unheard-of"])
@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json"])
def test_a_body_that_is_not_what_its_encoding_says(encoding: str, content_type: str) -> None:
    found = decoder(content_type, encoding=encoding)
    for _ in range(3):
        assert found.feed(b"\xff\xff\xff\xff plainly not compressed") == []
    assert found.finish().response.decode_error is not None


def test_an_empty_body_and_one_below_the_head() -> None:
    assert decoder("application/json").finish().response.decode_error == "the body is empty"
    assert not decoder().finish().response.complete
    short = decoder("")
    short.feed(b"{}")
    assert short.finish().response.decode_error is None
    assert short.streamed is False


def test_an_event_too_large_is_dropped_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 2000)
    huge = {**EVENTS[2], "delta": {"type": "text_delta", "text": "x" * 5000}}
    body = sse_body(*EVENTS[:2], huge, *EVENTS[2:])
    response, _ = read_stream(ANTHROPIC, [body[at : at + 100] for at in range(0, len(body), 100)])
    assert by_path(response) == SAID
    assert response.decode_error == "an event larger than may be kept was dropped"


def test_a_whole_answer_too_large_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "MAX_WHOLE_BYTES", 64 * 1024)
    found = decoder("application/json")
    tracemalloc.start()
    for _ in range(5000):
        found.feed(b"x" * 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 512 * 1024
    response = found.finish().response
    assert response.body_bytes == 5_000_000
    assert response.decode_error == "an answer above 65536 bytes was not read in full"


def test_texts_too_long_are_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MAX_TEXT_BYTES", 100)
    monkeypatch.setattr(assembly, "MAX_TEXTS_BYTES", 150)
    lines = [{"response": "a" * 40, "thinking": "b" * 40, "done": False} for _ in range(4)]
    response, events = read_stream(OLLAMA, [ndjson(line) for line in lines], content_type="application/x-ndjson")
    assert sum(len(item.text) for item in response.segments) <= 150
    assert sum(len(event.text) for event in events) == 320
    assert response.decode_error == "texts above 100 bytes were cut"


def test_more_texts_than_may_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MAX_BLOCKS", 5)
    results = [{"type": "web_search_result", "title": f"title {number}"} for number in range(9)]
    block = {"type": "web_search_tool_result", "content": results}
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    response, events = read_stream(ANTHROPIC, [sse_body(start)])
    assert len(response.segments) == 5
    assert len(events) == 9
    assert response.decode_error == "more than 5 texts in one answer"


@given(
    st.sampled_from([ANTHROPIC, GEMINI, OLLAMA]),
    st.sampled_from(["text/event-stream", "application/json", "application/x-ndjson", ""]),
    st.sampled_from(["", "gzip", "deflate", "br", "zstd", "nonsense"]),
    st.sampled_from([200, 400]),
    st.binary(max_size=200),
    st.booleans(),
    cuts,
)
def test_any_bytes_are_survived(
    dialect: Any, content_type: str, encoding: str, status: int, body: bytes, in_order: bool, where: list[int]
) -> None:
    response, _ = read_stream(
        dialect,
        split_at(body, where),
        content_type=content_type,
        encoding=encoding,
        status=status,
        in_order=in_order,
    )
    assert response.body_bytes == len(body)
