"""One call under way: when it is due, that it is settled once, and what the exchange says of each way to end."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.call import Call, Opening, ResponseHead, trace_id
from midwatch_core.model.content import FinishReason
from midwatch_core.model.exchange import Endpoint, Exchange, Transport
from midwatch_core.model.identity import Identity
from midwatch_core.sealing import Sealer
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.target import Target

DIALECT = OpenAIChat()
SEALER = Sealer(b"key", "default")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
WHOLE = orjson.dumps(
    {
        "id": "chatcmpl-1",
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    }
)


def delta(**fields: object) -> bytes:
    chunk = {"id": "chatcmpl-1", "model": "gpt-4o", "choices": [{"index": 0, "finish_reason": None, "delta": fields}]}
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


FINISH = b'data: {"id":"chatcmpl-1","choices":[{"index":0,"finish_reason":"stop","delta":{}}]}\n\n'
STREAM = [delta(role="assistant", content=""), delta(content="Hel"), delta(content="lo."), FINISH, b"data: [DONE]\n\n"]
SSE = ResponseHead(status=200, content_type="text/event-stream")


def json_head(length: int | None = len(WHOLE), status: int = 200) -> ResponseHead:
    return ResponseHead(status=status, content_type="application/json", length=length)


def make_call(
    *,
    stream: bool = False,
    traceparent: str | None = f"00-{TRACE}-00f067aa0ba902b7-01",
    transport: Transport = Transport.HTTP,
) -> Call:
    body = {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
    target = Target(host="api.openai.com", path="/v1/chat/completions")
    return Call(
        Opening(
            id="0199-call",
            started_at=datetime(2026, 11, 23, tzinfo=UTC),
            began_s=1000.0,
            endpoint=Endpoint(
                provider="openai", dialect=DIALECT.id, host="api.openai.com", port=443, path="/v1/chat/completions"
            ),
            identity=Identity(),
            dialect=DIALECT,
            decoded=decode_request(DIALECT, orjson.dumps(body), target),
            traceparent=traceparent,
            transport=transport,
        )
    )


def settled(call: Call, at_s: float = 1001.0, error: str | None = None) -> Exchange:
    exchange = call.settle(SEALER, at_s, error=error)
    assert exchange is not None
    return exchange


def test_a_whole_answer_is_due_with_its_last_byte() -> None:
    call = make_call()
    assert not call.due
    call.respond(json_head())
    call.feed(WHOLE[:-1], 1000.2)
    assert not call.due
    call.feed(WHOLE[-1:], 1000.3)
    assert call.due
    exchange = settled(call)
    assert (exchange.status, exchange.streamed, exchange.transport, exchange.error) == (
        200,
        False,
        Transport.HTTP,
        None,
    )
    assert exchange.response is not None
    assert exchange.response.complete
    assert exchange.response.segments[0].text == "Hello."
    assert exchange.response.segments[0].hash == SEALER.hash("Hello.")
    assert (exchange.timing.ttft_ms, exchange.timing.duration_ms) == (200.0, 1000.0)


def test_a_stream_is_due_at_its_terminal_event_and_ttft_is_its_first_token() -> None:
    call = make_call(stream=True)
    call.respond(SSE)
    for index, piece in enumerate(STREAM):
        assert not call.due
        call.feed(piece, 1000.1 + index / 10)
    assert call.due
    exchange = settled(call)
    assert (exchange.streamed, exchange.transport) == (True, Transport.SSE)
    assert exchange.timing.ttft_ms == pytest.approx(200.0)
    assert exchange.timing.gaps is not None
    assert exchange.timing.gaps.count == 1
    assert exchange.response is not None
    assert exchange.response.finish_reason is FinishReason.STOP


@given(st.data())
def test_any_split_of_the_bytes_gives_the_same_exchange(data: st.DataObject) -> None:
    whole = b"".join(STREAM)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    call = make_call(stream=True)
    call.respond(SSE)
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        call.feed(whole[start:end], 1000.5)
    assert call.due
    exchange = settled(call)
    assert exchange.response is not None
    assert [segment.text for segment in exchange.response.segments] == ["Hello."]
    assert exchange.response.body_bytes == len(whole)


def test_it_is_settled_once_and_deaf_afterwards() -> None:
    call = make_call()
    call.respond(json_head())
    call.feed(WHOLE, 1000.2)
    settled(call)
    assert call.settle(SEALER, 1002.0, error="client disconnected") is None
    assert call.feed(b"more", 1003.0) == []


def test_a_client_that_leaves_after_the_terminal_event_had_it_all() -> None:
    call = make_call(stream=True)
    call.respond(SSE)
    for piece in STREAM:
        call.feed(piece, 1000.2)
    assert settled(call, error="client disconnected").error is None


@pytest.mark.parametrize("pieces", [0, 2])
def test_a_stream_that_breaks_off_is_kept_with_what_came(pieces: int) -> None:
    call = make_call(stream=True)
    call.respond(SSE)
    for piece in STREAM[:pieces]:
        call.feed(piece, 1000.2)
    exchange = settled(call, error="upstream closed early")
    assert exchange.error == "upstream closed early"
    assert exchange.response is not None
    assert not exchange.response.complete
    assert "".join(segment.text for segment in exchange.response.segments) == ("Hel" if pieces else "")


def test_an_answer_cut_short_of_its_length_is_not_complete() -> None:
    call = make_call()
    call.respond(json_head())
    call.feed(WHOLE[:40], 1000.2)
    exchange = settled(call, error="upstream closed early")
    assert exchange.response is not None
    assert (exchange.response.complete, exchange.error) == (False, "upstream closed early")


def test_a_call_that_got_no_answer() -> None:
    exchange = settled(make_call(), error="connection refused")
    assert (exchange.status, exchange.response, exchange.error) == (None, None, "connection refused")
    assert (exchange.timing.ttft_ms, exchange.timing.duration_ms) == (None, 1000.0)


def test_bytes_before_a_head_are_no_answer() -> None:
    call = make_call()
    assert call.feed(WHOLE, 1000.1) == []
    assert not call.due


@pytest.mark.parametrize("length", [None, 0])
def test_a_body_without_length_is_due_only_where_there_is_none(length: int | None) -> None:
    call = make_call()
    call.respond(json_head(length))
    assert call.due == (length == 0)


def test_an_error_answer_is_an_answer() -> None:
    body = b'{"error":{"message":"Rate limit","type":"rate_limit_error"}}'
    call = make_call(stream=True)
    call.respond(json_head(len(body), status=429))
    call.feed(body, 1000.1)
    exchange = settled(call)
    assert exchange.response is not None
    assert exchange.response.error is not None
    assert (exchange.status, exchange.response.error.message, exchange.error) == (429, "Rate limit", None)


def test_a_clock_that_steps_back_gives_no_negative_time() -> None:
    call = make_call()
    call.respond(json_head())
    call.feed(WHOLE, 999.0)
    exchange = settled(call, at_s=998.0)
    assert (exchange.timing.ttft_ms, exchange.timing.duration_ms) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-is-like", TRACE),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE[:-1]}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}", None),
        ("", None),
        (None, None),
    ],
)
def test_the_trace_id_of_a_traceparent(header: str | None, found: str | None) -> None:
    assert trace_id(header) == found
    assert settled(make_call(traceparent=header)).trace_id == (found or "0199-call")


def test_a_call_says_how_it_came_where_its_answer_does_not_tell() -> None:
    call = make_call(transport=Transport.WEBSOCKET)
    assert call.opened().transport is Transport.WEBSOCKET
    call.respond(json_head(status=403))
    call.feed(WHOLE, 1000.1)
    exchange = call.settle(SEALER, 1000.2)
    assert exchange is not None
    assert exchange.transport is Transport.WEBSOCKET
