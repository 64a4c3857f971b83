"""Sending to a collector: a real server that reads protobuf, fails, asks to wait, and comes back."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from midwatch_core import ConfigError, Identity
from midwatch_core.config import load_config
from midwatch_core.testing import make_exchange
from midwatch_otel import Otel
from midwatch_otel.export.destination import destination_of, leads_to
from midwatch_otel.export.retrying import Retrying, retry_after_s
from midwatch_otel.export.waiting import Waiting
from midwatch_otel.settings import ExportSettings, OtelSettings
from tests.plugins.otel.begun import begun
from tests.plugins.otel.conftest import House

SENT, DROPPED = "midwatch_otel_export_sent_total", "midwatch_otel_export_dropped_total"
RETRIES = "midwatch_otel_export_retries_total"


@dataclass
class Collector:
    """What a collector got; `answers` are given first, then 200."""

    port: int = 0
    spans: list[Any] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.headers.append(headers)
        data = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        if path == "/v1/metrics":
            self.metrics.append(ExportMetricsServiceRequest.FromString(data))
            return 200, {}, b""
        answer = self.answers.pop(0) if self.answers else (200, {}, b"")
        if answer[0] == 200:
            self.spans.append(ExportTraceServiceRequest.FromString(data))
        return answer


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, told, answer = made.take(self.path, headers, body)
            self.send_response(status)
            for name, value in (told | {"content-length": str(len(answer))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: pytest shows what failed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join(60)


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not look():
            await asyncio.sleep(0.01)


async def started(house: House, url: str, **more: Any) -> Otel:
    otel = Otel(OtelSettings(export=ExportSettings(endpoint=url, interval_s=0.05, **more)))
    await begun(otel, house.host())
    return otel


async def test_what_is_stored_reaches_the_collector_as_spans_and_metrics(
    house: House, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLLECTOR_TOKEN", "s3cret")
    otel = await started(house, collector.url, headers={"authorization": "Bearer ${COLLECTOR_TOKEN}"})
    otel.stored([make_exchange(), make_exchange()])
    await until(lambda: collector.spans and collector.metrics)
    await otel.shutdown()
    (group,) = collector.spans[0].resource_spans
    resource = {item.key: item.value.string_value for item in group.resource.attributes}
    assert (resource["service.name"], resource["service.version"]) == ("midwatch", "1.2.3")
    assert [span.name for span in group.scope_spans[0].spans] == ["chat gpt-5-mini"] * 2
    assert collector.headers[0]["authorization"] == "Bearer s3cret"
    assert collector.headers[0]["content-type"] == "application/x-protobuf"
    names = {
        metric.name for request in collector.metrics for metric in request.resource_metrics[0].scope_metrics[0].metrics
    }
    assert "gen_ai.client.token.usage" in names
    assert house.counted(SENT) == {(): 2.0}


async def test_what_waits_is_sent_at_the_end(house: House, collector: Collector) -> None:
    otel = Otel(OtelSettings(export=ExportSettings(endpoint=collector.url, interval_s=300)))
    await begun(otel, house.host())
    otel.stored([make_exchange()])
    await asyncio.sleep(0)
    await otel.shutdown()
    assert len(collector.spans) == 1


async def test_a_collector_that_is_busy_is_asked_again(house: House, collector: Collector) -> None:
    collector.answers = [(503, {"retry-after": "0"}, b"")]
    otel = await started(house, collector.url, metrics=False, compression="none")
    otel.stored([make_exchange()])
    await until(lambda: collector.spans)
    await until(lambda: house.counted(SENT))
    await otel.shutdown()
    assert house.counted(RETRIES) == {(): 1.0}
    assert house.counted(SENT) == {(): 1.0}
    assert "content-encoding" not in collector.headers[0]


async def test_what_a_collector_refuses_is_dropped_and_counted(house: House, collector: Collector) -> None:
    partial = ExportTraceServiceResponse()
    partial.partial_success.rejected_spans = 1
    collector.answers = [(400, {}, b"no"), (200, {}, partial.SerializeToString())]
    otel = await started(house, collector.url, metrics=False)
    otel.stored([make_exchange()])
    await until(lambda: house.counted(DROPPED) == {("refused",): 1.0})
    otel.stored([make_exchange(), make_exchange()])
    await until(lambda: house.counted(DROPPED) == {("refused",): 2.0})
    await otel.shutdown()
    assert house.counted(SENT) == {(): 1.0}
    assert house.counted(RETRIES) == {}


async def test_a_collector_that_is_away_costs_the_spans_and_nothing_else(house: House, collector: Collector) -> None:
    otel = await started(house, "http://127.0.0.1:9", metrics=False)
    otel.stored([make_exchange()])
    await until(lambda: house.counted(RETRIES))
    await otel.shutdown()
    assert house.counted(DROPPED) == {("unreachable",): 1.0}


async def test_calls_that_came_as_spans_do_not_go_out_again(house: House, collector: Collector) -> None:
    otel = await started(house, collector.url, metrics=False)
    told = Identity(learned_from={"tenant": "otlp"})
    otel.stored([make_exchange(identity=told), make_exchange()])
    await until(lambda: collector.spans)
    await otel.shutdown()
    assert sum(len(item.resource_spans[0].scope_spans[0].spans) for item in collector.spans) == 1


async def test_without_a_destination_nothing_is_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    otel = Otel()
    await begun(otel, house.host())
    otel.stored([make_exchange()])
    assert otel._exporter is None


def test_the_queue_is_bounded_in_number_and_in_bytes() -> None:
    waiting = Waiting(most=2)
    assert waiting.put([make_exchange() for _ in range(5)]) == 3
    assert (len(waiting.take(10)), len(waiting)) == (2, 0)
    size = make_exchange().request.body_bytes
    assert size > 0
    assert Waiting(most_bytes=size - 1).put([make_exchange()]) == 1


def test_each_try_waits_longer_until_it_is_enough() -> None:
    retrying = Retrying()
    waits = [retrying.failed(1.0) for _ in range(6)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, None]
    assert Retrying().failed(0.0) == 0.5
    assert Retrying().failed(1.0, told_s=7.0) == 7.0
    assert Retrying().failed(1.0, told_s=1e9) == 120.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("soon", None),
        ("Thu, 26 Nov 2026 04:00:30 GMT", 30.0),
        ("Thu, 26 Nov 2020 04:00:30 GMT", 0.0),
        ("9" * 400, 999_999_999.0),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, datetime(2026, 11, 26, 4, tzinfo=UTC)) == seconds


BASE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}


@pytest.mark.parametrize(
    ("environ", "spans", "metrics"),
    [
        ({}, None, None),
        (BASE, "http://c:4318/v1/traces", "http://c:4318/v1/metrics"),
        (BASE | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://t/own"}, "https://t/own", "http://c:4318/v1/metrics"),
        (BASE | {"OTEL_METRICS_EXPORTER": "none"}, "http://c:4318/v1/traces", None),
        (BASE | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None, None),
        (BASE | {"OTEL_SDK_DISABLED": "true"}, None, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4317"}, None, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1"}, None, None),
    ],
)
def test_opentelemetry_s_variables_count_where_nothing_is_set(
    environ: dict[str, str], spans: str | None, metrics: str | None
) -> None:
    found = destination_of(ExportSettings(), environ)
    urls = (found.spans and found.spans.url, found.metrics and found.metrics.url) if found else (None, None)
    assert urls == (spans, metrics)


def test_headers_time_and_compression_of_the_variables_count_too() -> None:
    told = {
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b,X-Team=core",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    found = destination_of(ExportSettings(), BASE | told)
    assert found is not None
    assert found.spans is not None
    assert found.spans.headers == {"api-key": "a b", "x-team": "core"}
    assert (found.timeout_s, found.gzip) == (2.5, False)


def test_what_is_set_comes_before_the_variables() -> None:
    found = destination_of(ExportSettings(endpoint="https://own", metrics=False), BASE)
    assert found is not None
    assert found.spans is not None
    assert (found.spans.url, found.metrics) == ("https://own/v1/traces", None)


@pytest.mark.parametrize(
    "settings",
    [
        {"headers": {"authorization": "Bearer literal"}},
        {"endpoint": "ftp://c"},
        {"endpoint": "http://user:word@c"},
        {"endpoint": "c:4318"},
        {"interval_s": 0},
    ],
)
def test_settings_that_can_t_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        ExportSettings(**settings)


def test_a_secret_that_is_written_where_none_is_read_stays_unsaid() -> None:
    flags = {"otel": {"export": {"endpoint": "http://c", "headers": {"authorization": "Bearer literal-s3cret"}}}}
    with pytest.raises(ConfigError, match=r"otel\.export\.headers: authorization: give its value as") as raised:
        load_config(file=None, flags=flags, environ={}, sections={"otel": OtelSettings})
    assert "s3cret" not in str(raised.value)


def test_a_secret_that_is_not_there_is_named() -> None:
    settings = ExportSettings(endpoint="http://c", headers={"authorization": "Bearer ${NOWHERE_TO_BE_FOUND}"})
    with pytest.raises(ConfigError, match=r"otel\.export\.headers\.authorization.*NOWHERE_TO_BE_FOUND"):
        destination_of(settings, {})


@pytest.mark.parametrize(
    ("url", "leads"),
    [
        ("http://localhost:8082/v1/traces", True),
        ("http://[::1]:8082/v1/traces", True),
        ("http://127.0.0.1:4318/v1/traces", False),
        ("http://collector:8082/v1/traces", False),
        ("http://127.0.0.1:99999/", False),
    ],
)
def test_a_destination_that_is_ourselves_is_seen(url: str, leads: bool) -> None:
    assert leads_to(url, "127.0.0.1:8082") is leads


async def test_nothing_is_sent_to_ourselves(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:8082")
    otel = Otel()
    await begun(otel, house.host())
    assert otel._exporter is None
    with pytest.raises(ConfigError, match="our own console"):
        await started(house, "http://localhost:8082")
