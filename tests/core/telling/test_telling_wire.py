"""Calls told by their wire bodies: read as a flow that passes is, and nothing of a key is kept."""

import gzip
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from midwatch_core.frame import encode
from midwatch_core.har import har_entry
from midwatch_core.intake import IntakeError, Whose
from midwatch_core.model.content import FinishReason, Request
from midwatch_core.model.exchange import Transport
from midwatch_core.model.timing import Timing
from midwatch_core.sealing import Sealers
from midwatch_core.telling import Teller
from midwatch_core.telling.wire_call import NO_ANSWER
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target
from tests.core.telling.sending import ANSWERED, ASKED, CHAT, NOW, catalogue, sender, teller, texts, told, wire

STREAM = b"".join(
    b"data: " + orjson.dumps(chunk) + b"\n\n"
    for chunk in (
        {"id": "c", "model": "gpt-5-mini", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Par"}}]},
        {"id": "c", "model": "gpt-5-mini", "choices": [{"index": 0, "delta": {"content": "is."}}]},
        {"id": "c", "model": "gpt-5-mini", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    )
)


def test_a_call_is_read_by_the_dialect_of_its_url() -> None:
    call = told(wire(url=f"{CHAT}?key=sk-secret", request_headers={"User-Agent": "OpenAI/Python 1.99.7"}))
    assert (call.endpoint.provider, call.endpoint.dialect, call.endpoint.path) == (
        "openai",
        "openai.chat",
        "/v1/chat/completions",
    )
    assert texts(call.request) == {"/messages/0/content": "What is the capital of France?"}
    assert call.response is not None
    assert texts(call.response) == {"/choices/0/message/content": "Paris."}
    assert (call.status, call.error, call.inspected, call.cost) == (200, None, (), None)
    assert call.identity.app == "OpenAI/Python"
    assert call.trace_id == call.id
    assert all(segment.hash for segment in call.request.segments)


def test_credentials_of_a_call_are_not_in_its_frame() -> None:
    call = wire(
        url=f"{CHAT}?key=sk-query",
        request_headers={"Authorization": "Bearer sk-header", "Cookie": "sk-cookie", "x-api-key": "sk-own"},
        response_headers={"Set-Cookie": "sk-set"},
    )
    assert b"sk-" not in encode(told(call))


def test_a_streamed_answer_is_read_from_its_text() -> None:
    call = told(
        wire(
            {**ASKED, "stream": True},
            STREAM + b"data: [DONE]\n\n",
            response_headers={"Content-Type": "text/event-stream"},
            timing=Timing(ttft_ms=120.0, duration_ms=900.0),
        )
    )
    assert call.response is not None
    assert "".join(texts(call.response).values()) == "Paris."
    assert (call.streamed, call.transport, call.response.complete) == (True, Transport.SSE, True)
    assert call.timing == Timing(ttft_ms=120.0, duration_ms=900.0)


def test_a_stream_that_broke_off_is_not_complete() -> None:
    call = told(
        wire(
            {**ASKED, "stream": True},
            STREAM[:-10],
            response_headers={"content-type": "text/event-stream"},
            error="upstream closed early",
        )
    )
    assert call.response is not None
    assert not call.response.complete
    assert call.error == "upstream closed early"


def test_a_packed_body_is_unpacked() -> None:
    packed = gzip.compress(orjson.dumps(ANSWERED))
    call = told(wire(answered=packed, response_headers={"Content-Encoding": "gzip"}))
    assert call.response is not None
    assert call.response.decode_error is None
    assert call.response.usage is not None


def test_an_error_of_the_provider_is_its_answer() -> None:
    call = told(wire(answered={"error": {"type": "rate_limit_exceeded", "message": "Slow down"}}, status=429))
    assert call.response is not None
    assert call.response.error is not None
    assert (call.status, call.response.error.message, call.response.finish_reason) == (
        429,
        "Slow down",
        FinishReason.ERROR,
    )


def test_without_an_answer_there_is_none_and_without_its_body_that_is_said() -> None:
    none = told(wire(answered=None, status=None, error="timed out"))
    assert (none.response, none.status, none.error) == (None, None, "timed out")
    untold = told(wire(answered=None, status=200))
    assert untold.response is not None
    assert (untold.status, untold.response.decode_error) == (200, NO_ANSWER)


def test_what_a_call_belongs_to_is_told_by_its_sender_or_its_headers() -> None:
    trace, other = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "x-session-id": "in-header"}
    call = wire(request_headers=headers)
    assert (told(call).trace_id, told(call).session) == (trace, "in-header")
    said = Whose(traceparent=f"00-{other}-00f067aa0ba902b7-01", session="said", app="cron", agent="planner")
    named = told(replace(call, whose=said))
    assert (named.trace_id, named.session, named.identity.app, named.identity.agent) == (
        other,
        "said",
        "cron",
        "planner",
    )
    assert named.identity.learned_from == {"app": "rest", "agent": "rest", "tenant": "rest"}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://nobody.example/v1/things?key=sk-1", "no provider is known for POST nobody.example/v1/things"),
        ("https://api.openai.com/v1/nothing", "no provider is known for POST api.openai.com/v1/nothing"),
        ("api.openai.com/v1/chat/completions", "not an address"),
        ("ftp://api.openai.com/v1/chat/completions", "not an address"),
        ("https://api.openai.com:port/v1/chat/completions", "not an address"),
        ("https://[::1/v1/chat/completions", "not an address"),
        ("https:///v1/chat/completions", "not an address"),
        ("", "not an address"),
        (CHAT + "?" + "x" * 10_000, "not an address"),
    ],
    ids=["host", "route", "scheme", "ftp", "port", "brackets", "nowhere", "empty", "long"],
)
def test_a_url_of_no_known_call_is_named_without_its_query(url: str, words: str) -> None:
    with pytest.raises(IntakeError, match=r"^url: ") as refused:
        told(wire(url=url))
    assert words in str(refused.value)
    assert "sk-1" not in str(refused.value)


def test_a_path_that_many_serve_is_a_call_only_by_its_shape() -> None:
    elsewhere = "http://10.0.0.5:8000/v1/chat/completions"
    assert told(wire(url=elsewhere)).endpoint.port == 8000
    with pytest.raises(IntakeError, match=r"^request: not a call to a model"):
        told(wire({"hello": "world"}, url=elsewhere))


@pytest.mark.parametrize(
    "asked", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"messages": 7}'], ids=["0", "1", "2", "3", "4", "5"]
)
def test_a_body_that_can_t_be_read_is_kept_with_what_is_wrong(asked: bytes) -> None:
    call = told(wire(asked, b"\x00<html>"))
    assert call.request.decode_error
    assert call.response is not None
    assert call.response.decode_error
    encode(call)


def test_nesting_that_no_frame_can_hold_is_left_out() -> None:
    deep = b"[" * 900 + b"]" * 900
    body = (
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":' + deep + b',"tools":[' + deep + b"]}"
    )
    call = told(wire(body))
    assert "temperature" not in call.request.parameters
    assert orjson.loads(encode(call))


def test_the_first_call_at_fault_is_named_and_none_is_made() -> None:
    batch = [wire(), wire(url="https://nobody.example/"), wire(url="")]
    with pytest.raises(IntakeError) as refused:
        teller().exchanges(batch, sender(), NOW)
    assert refused.value.index == 1


class Broken(OpenAIChat):
    """A stranger's dialect that fails."""

    def read_request(self, body: Node, target: Target) -> Request:
        raise RuntimeError("no")


def test_a_dialect_that_fails_refuses_its_call_alone() -> None:
    dialects = {item.id: item for item in BUILTIN} | {"openai.chat": Broken()}
    with pytest.raises(IntakeError, match="RuntimeError: no") as refused:
        Teller(catalogue(), dialects, Sealers(b"k")).exchanges([wire()], sender(), NOW)
    assert refused.value.index == 0


def test_a_told_call_can_be_exported() -> None:
    entry: Any = har_entry(told(wire(started_at=NOW - timedelta(hours=1))), {})
    assert orjson.loads(entry["request"]["postData"]["text"]) == ASKED
