"""OpenTelemetry against a running house: the real SDK in, over HTTP and gRPC; spans out, in the application's trace."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.beside import GRPC, OTLP_EXPORTERS, beside
from tests.ports import free_port

# An instrumented application: what it does it tells by the environment's own exporter settings.
APPLICATION = """
import sys
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
if sys.argv[1] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
provider = TracerProvider(resource=Resource.create({"service.name": "told-by-" + sys.argv[1]}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
call = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "Told, not heard."}]}]',
    "gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "text", "content": "Indeed."}]}]',
}
with provider.get_tracer("app").start_as_current_span("chat gpt-4o-mini", attributes=call) as span:
    print(f"{span.get_span_context().trace_id:032x}")
sys.exit(0 if provider.force_flush(20000) else 1)
"""


class Collector(ThreadingHTTPServer):
    """A collector that keeps the spans it gets."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/v1/traces":
            request: Any = ExportTraceServiceRequest.FromString(body)
            self.server.spans += [
                span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans
            ]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(60)


@pytest.fixture(scope="module")
def packages() -> list[str]:
    """Folders of the SDK and of gRPC, where the project's environment has them not."""
    return [
        str(folder)
        for folder in (beside(*GRPC, module="grpc"), beside(*OTLP_EXPORTERS, module="opentelemetry.exporter"))
        if folder
    ]


@pytest.fixture(scope="module")
def told_house(
    house_in: Callable[..., Any], collector: Collector, packages: list[str], tmp_path_factory: Any
) -> Iterator[tuple[Any, str]]:
    """A house that listens for gRPC and exports; with the address of its gRPC."""
    address = f"127.0.0.1:{free_port()}"
    export = {"endpoint": f"http://127.0.0.1:{collector.server_address[1]}", "compression": "none", "interval_s": 0.2}
    settings = {"otel": {"grpc_listen": address, "export": export}}
    environ = {"PYTHONPATH": os.pathsep.join(packages)} if packages else {}
    with house_in(tmp_path_factory.mktemp("otel"), settings=settings, environ=environ) as house:
        yield house, address


def tell(house: Any, face: str, endpoint: str, packages: list[str]) -> str:
    """Run the application; the id of its trace."""
    environ = {
        **house.environ,
        "PYTHONPATH": os.pathsep.join(packages),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    done = subprocess.run(
        [sys.executable, "-c", APPLICATION, face], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("face", ["http", "grpc"])
def test_what_the_sdk_tells_is_a_call_like_any_other(
    told_house: tuple[Any, str], packages: list[str], waiting: Any, face: str
) -> None:
    house, address = told_house
    trace_id = tell(house, face, house.console if face == "http" else f"http://{address}", packages)
    kept = house.row(trace_id)
    (row,) = [item for item in house.traces() if item["id"] == kept["id"]]
    assert (row["app"], row["provider"], row["model"]) == (f"told-by-{face}", "openai", "gpt-4o-mini")
    assert (row["input_tokens"], row["output_tokens"], row["linked_by"]) == (1000, 100, "traceparent")
    assert row["cost_usd"] > 0
    texts = [segment["text"] for segment in house.whole(trace_id)["request"]["segments"]]
    assert texts == ["Told, not heard."]


def test_a_call_through_the_proxy_is_a_span_in_its_application_s_trace(
    told_house: tuple[Any, str], collector: Collector, trail: Any, waiting: Any
) -> None:
    house, _ = told_house
    made = trail()
    with house.client() as web:
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "A secret question"}]}
        headers = {"authorization": "Bearer sk-e2e", **made.header}
        assert web.post("https://api.openai.com/v1/chat/completions", json=body, headers=headers).status_code == 200
    span = waiting(
        lambda: next((item for item in collector.spans if item.trace_id.hex() == made.id), None), "the span to come"
    )
    assert (span.name, span.parent_span_id.hex()) == ("chat gpt-4o-mini", made.header["traceparent"].split("-")[2])
    attributes = {item.key: item.value for item in span.attributes}
    assert attributes["gen_ai.provider.name"].string_value == "openai"
    assert attributes["gen_ai.usage.input_tokens"].int_value > 0
    assert b"A secret question" not in span.SerializeToString()
    told = [item for item in collector.spans if b"told-by-" in item.SerializeToString()]
    assert told == []  # what came as a span does not go out again
