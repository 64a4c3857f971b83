"""Recordings that mitmproxy wrote, as flows and as HAR: the same calls, once, and what is broken named."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mitmproxy.test import tflow

from midwatch.replay.calls import NO_ANSWER, NO_REQUEST
from midwatch.replay.found import RecordingError
from midwatch.replay.recording import Kind, kind_of
from midwatch_core.model.exchange import Exchange, Transport
from tests.addons.proxy.talk import answer, create
from tests.addons.replay.conftest import ASKED_S, DONE, STREAM, Recorder, call, save_flows, save_har, socket

SAVED = pytest.mark.parametrize("save", [save_flows, save_har])


def texts(exchange: Exchange) -> tuple[list[str], list[str]]:
    assert exchange.response is not None
    return [item.text for item in exchange.request.segments], [item.text for item in exchange.response.segments]


@SAVED
def test_a_call_is_read_with_its_moment_and_times(
    save: Callable[..., Path], replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    exchange = replayer().one(save(tmp_path / "file", [call(headers={"user-agent": "OpenAI/Python 1.99"})]))
    assert texts(exchange) == (["Where is Lisbon?"], ["Portugal ☀"])
    assert exchange.endpoint.provider == "openai"
    assert exchange.response is not None
    assert exchange.response.usage is not None
    assert exchange.response.usage.input_tokens == 9
    assert exchange.started_at == datetime.fromtimestamp(ASKED_S, UTC)
    assert (exchange.timing.ttft_ms, exchange.timing.duration_ms) == (250.0, 400.0)
    assert exchange.identity.tenant == "default"
    assert exchange.identity.app == "OpenAI/Python"
    assert exchange.identity.learned_from["tenant"] == "replay"


@SAVED
def test_a_stream_is_read_and_its_first_token_is_not_made_up(
    save: Callable[..., Path], replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    flow = call(answer=STREAM + DONE, answer_headers={"content-type": "text/event-stream"})
    exchange = replayer().one(save(tmp_path / "file", [flow]))
    assert exchange.streamed
    assert texts(exchange)[1] == ["Portugal"]
    assert (exchange.timing.ttft_ms, exchange.timing.duration_ms, exchange.timing.gaps) == (None, 400.0, None)


@SAVED
def test_a_compressed_answer_is_read_whether_the_file_has_it_compressed_or_not(
    save: Callable[..., Path], replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    exchange = replayer().one(
        save(tmp_path / "file", [call(answer=gzip.compress(STREAM + DONE), answer_headers=headers)])
    )
    assert texts(exchange)[1] == ["Portugal"]
    assert exchange.decode_error is None


@SAVED
def test_every_call_of_a_socket_is_read_with_the_times_of_its_messages(
    save: Callable[..., Path], replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    talk = [(True, create("One")), *((False, item) for item in answer("First."))]
    talk += [(True, create("Two")), *((False, item) for item in answer("Sec", "ond.", number=2)[:-1])]
    recorder = replayer()
    tally = recorder.replay(save(tmp_path / "file", [socket("https://api.openai.com/v1/responses", talk)]))
    assert tally.calls == {"openai.responses": 2}
    first, second = recorder.sent
    assert texts(first) == (["One"], ["First."])
    assert texts(second) == (["Two"], ["Second."])
    assert first.transport is Transport.WEBSOCKET
    assert first.timing.duration_ms == pytest.approx(600, abs=1)
    assert second.started_at > first.started_at
    assert first.error is None
    assert second.error is not None
    assert second.error.startswith("the provider closed the socket")


@SAVED
def test_what_is_no_call_is_counted_and_nothing_more(
    save: Callable[..., Path], replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    flows = [
        call("https://shop.example/cart"),
        call("https://shop.example/v1/chat/completions", b'{"cart": 1}'),
        socket("https://shop.example/ws", [(True, {"hello": 1})]),
        call(),
    ]
    tally = replayer().replay(save(tmp_path / "file", flows))
    assert (tally.calls.total(), tally.others, tally.broken) == (1, 3, 0)


@SAVED
def test_an_id_is_made_of_what_was_recorded(
    save: Callable[..., Path], replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    other = call(body=json.dumps({"model": "gpt-5", "messages": []}).encode())
    recorder = replayer()
    for _ in range(2):
        recorder.replay(save(tmp_path / "file", [call(), other]))
    ids = [exchange.id for exchange in recorder.sent]
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]
    acme = replayer(tenant="acme").one(save(tmp_path / "file", [call()]))
    assert acme.id not in ids
    # RFC 9562: the moment of the call, then version and variant.
    assert int(ids[0].replace("-", "")[:12], 16) == int(ASKED_S * 1000)
    assert (ids[0][14], ids[0][19] in "89ab") == ("7", True)


def test_what_is_said_on_the_command_line_comes_before_what_the_recording_says(
    replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    flow = call(headers={"user-agent": "OpenAI/Python 1.99"})
    seen = replayer().one(save_flows(tmp_path / "file", [flow])).identity
    assert seen.client == flow.client_conn.peername[0]
    said = {"tenant": "acme", "app": "batch", "agent": "night", "user": "maria", "client": "10.0.0.7"}
    told = replayer(**said).one(tmp_path / "file").identity
    assert {name: getattr(told, name) for name in said} == said
    assert told.learned_from == dict.fromkeys(said, "replay")


def test_an_unlisted_host_is_known_by_path_and_shape(replayer: Callable[..., Recorder], tmp_path: Path) -> None:
    exchange = replayer().one(save_flows(tmp_path / "file", [call("http://10.0.0.5:8000/v1/chat/completions")]))
    assert (exchange.endpoint.host, exchange.endpoint.port) == ("10.0.0.5", 8000)
    assert exchange.endpoint.scheme == "http"


def test_bodies_that_are_not_there_are_said_to_be_missing(replayer: Callable[..., Recorder], tmp_path: Path) -> None:
    flow = call()
    flow.request.raw_content = None
    exchange = replayer().one(save_flows(tmp_path / "file", [flow]))
    assert exchange.request.decode_error == NO_REQUEST
    flow = call(answer=None)
    exchange = replayer().one(save_flows(tmp_path / "file", [flow]))
    assert exchange.response is not None
    assert exchange.response.decode_error == NO_ANSWER
    assert exchange.status == 200


@SAVED
def test_a_call_that_failed_has_its_error(
    save: Callable[..., Path], replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    flow = call()
    flow.response, flow.error = None, tflow.terr("connection refused.")
    exchange = replayer().one(save(tmp_path / "file", [flow]))
    assert (exchange.status, exchange.response, exchange.error) == (None, None, "connection refused")


def test_a_flow_that_makes_no_sense_is_named_and_the_rest_is_read(
    replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    whole = save_flows(tmp_path / "one", [call()]).read_bytes()
    file = tmp_path / "file"
    file.write_bytes(
        whole + b"11:4:what;1:1#}" + whole + b"2:4x}" + save_flows(tmp_path / "t", [tflow.ttcpflow()]).read_bytes()
    )
    tally = replayer().replay(file)
    assert (tally.calls.total(), tally.others, tally.broken) == (2, 1, 2)
    assert tally.named[0].place == f"flow 2 at byte {len(whole)}"


@pytest.mark.parametrize("cut", [1, 5, 100, 2000])
def test_a_file_that_ends_within_a_flow_is_read_up_to_there(
    replayer: Callable[..., Recorder], tmp_path: Path, cut: int
) -> None:
    whole = save_flows(tmp_path / "one", [call()]).read_bytes()
    (tmp_path / "file").write_bytes(whole + whole[: min(cut, len(whole) - 1)])
    tally = replayer().replay(tmp_path / "file")
    assert (tally.calls.total(), tally.broken) == (1, 1)
    assert "the rest of the file can't be read" in tally.named[0].reason


def test_a_length_that_no_flow_has_is_not_read(replayer: Callable[..., Recorder], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"999999999999:")
    tally = replayer().replay(tmp_path / "file")
    assert "larger than" in tally.named[0].reason


def test_the_kind_of_a_file_is_in_its_first_bytes(tmp_path: Path) -> None:
    assert kind_of(save_flows(tmp_path / "file.json", [call()])) is Kind.FLOWS
    assert kind_of(save_har(tmp_path / "file.flow", [call()])) is Kind.HAR
    (tmp_path / "lines").write_bytes(b'\xef\xbb\xbf{"id": 1}\n')
    assert kind_of(tmp_path / "lines") is Kind.LINES
    for content in (b"", b"\x1f\x8b", b"GET / HTTP/1.1"):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(RecordingError, match="neither a HAR file"):
            kind_of(tmp_path / "other")
    with pytest.raises(RecordingError, match="No such file"):
        kind_of(tmp_path / "nowhere")
