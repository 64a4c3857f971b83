"""A reader of recordings with the shipped catalogue, and recordings as mitmproxy itself writes them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.addons.savehar import SaveHar
from mitmproxy.flow import Flow
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow
from mitmproxy.websocket import WebSocketData, WebSocketMessage
from wsproto.frame_protocol import Opcode

from midwatch.home import Home
from midwatch.proxy.recognising import Recognising
from midwatch.replay.calls import CallReader
from midwatch.replay.recording import kind_of
from midwatch.replay.replaying import Replayer, Tally
from midwatch.replay.whose import Whose
from midwatch.settings import Settings, catalogue_of, dialects_of, resolve
from midwatch_core.frame import FrameDecoder
from midwatch_core.guarded import Guard
from midwatch_core.model.exchange import Exchange
from midwatch_core.sealing import Sealers

ASKED_S = 1_772_355_600.0
QUESTION = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Where is Lisbon?"}]}
ANSWER = {
    "id": "chatcmpl-1",
    "model": "gpt-5-mini-2026-01-31",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Portugal ☀"}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}
STREAM = b"".join(
    b"data: " + json.dumps(item).encode() + b"\n\n"
    for item in (
        {"id": "chatcmpl-2", "model": "gpt-5-mini", "choices": [{"index": 0, "delta": {"content": "Portu"}}]},
        {"id": "chatcmpl-2", "model": "gpt-5-mini", "choices": [{"index": 0, "delta": {"content": "gal"}}]},
        {"id": "chatcmpl-2", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    )
)
DONE = b"data: [DONE]\n\n"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("MIDWATCH_") and name != "MIDWATCH_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setenv("MIDWATCH_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = Home(tmp_path_factory.mktemp("replay"))
    home.prepare()
    return resolve(home, config_file=None, flags={})


@pytest.fixture
def replayer(settings: Settings) -> Callable[..., Recorder]:
    """Makes what replays files: `replayer(tenant=…)`."""

    def make(**said: str) -> Recorder:
        return Recorder(settings, Whose(default="default", **said))

    return make


class Recorder:
    """A replayer, and the exchanges that it sent."""

    def __init__(self, settings: Settings, whose: Whose) -> None:
        dialects = dialects_of(settings.plugins)
        recognising = Recognising(catalogue_of(settings, dialects), dialects)
        sealers = Sealers(b"the key of this installation")
        self.guard = Guard()
        self.reader = CallReader(recognising, whose, sealers)
        self.sent: list[Exchange] = []
        self._replayer = Replayer(self.reader, whose, sealers, self.guard, self._take)
        self._decoder = FrameDecoder()

    def replay(self, file: Path) -> Tally:
        return self._replayer.replay(file, kind_of(file))

    def one(self, file: Path) -> Exchange:
        """The one call of a file."""
        self.sent.clear()
        assert self.replay(file).calls.total() == 1
        return self.sent[0]

    def _take(self, frame: bytes) -> None:
        self.sent.append(self._decoder.decode(frame))


def call(
    url: str = "https://api.openai.com/v1/chat/completions",
    body: bytes | None = json.dumps(QUESTION).encode(),
    *,
    answer: bytes | None = json.dumps(ANSWER).encode(),
    answer_headers: Mapping[str, str] = MappingProxyType({}),
    headers: Mapping[str, str] = MappingProxyType({}),
    method: str = "POST",
    status: int = 200,
) -> http.HTTPFlow:
    """A flow as it was when its answer was there: asked at ASKED_S, answered 250 ms later, at its end after 400 ms."""
    flow = tflow.tflow(req=http.Request.make(method, url, b"", http.Headers([(b"content-type", b"application/json")])))
    flow.request.headers.update(headers)
    flow.request.raw_content = body
    kind: dict[str, str | bytes] = {"content-type": "application/json", **answer_headers}
    flow.response = http.Response.make(status, b"", kind)
    flow.response.raw_content = answer
    flow.request.timestamp_start, flow.request.timestamp_end = ASKED_S - 0.1, ASKED_S
    flow.response.timestamp_start, flow.response.timestamp_end = ASKED_S + 0.25, ASKED_S + 0.4
    flow.client_conn.sni = None
    flow.server_conn.timestamp_tcp_setup = None  # the connection was there already
    return flow


def socket(url: str, messages: Sequence[tuple[bool, dict[str, Any]]]) -> http.HTTPFlow:
    """A WebSocket whose messages (whether the client's, and what) are 100 ms apart."""
    flow = call(url, b"", answer=b"", method="GET", status=101, headers={"upgrade": "websocket"})
    flow.websocket = WebSocketData(close_code=1000)
    for number, (from_client, message) in enumerate(messages):
        content = json.dumps(message).encode()
        flow.websocket.messages.append(WebSocketMessage(Opcode.TEXT, from_client, content, ASKED_S + 1 + number / 10))
    return flow


def save_flows(file: Path, flows: Iterable[Flow]) -> Path:
    """As `mitmdump -w` does."""
    with file.open("wb") as out:
        writer = FlowWriter(out)
        for flow in flows:
            writer.add(flow)
    return file


def save_har(file: Path, flows: Sequence[http.HTTPFlow]) -> Path:
    """As `mitmdump --set hardump` does."""
    file.write_text(json.dumps(SaveHar().make_har(list(flows))))
    return file
