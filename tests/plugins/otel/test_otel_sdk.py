"""The real exporters of OpenTelemetry's SDK, over HTTP and gRPC, against the running faces."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from midwatch_core import ConfigError
from midwatch_otel import Otel
from midwatch_otel.settings import OtelSettings
from tests.beside import GRPC, OTLP_EXPORTERS, beside
from tests.plugins.otel.begun import begun
from tests.plugins.otel.conftest import House, Keys, texts


@pytest.fixture(scope="module", autouse=True)
def packages() -> None:
    """The SDK and gRPC, which the project's environment does without."""
    beside(*GRPC, module="grpc")
    beside(*OTLP_EXPORTERS, module="opentelemetry.exporter")


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The application on a port of its own; its URL."""
    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    task = asyncio.create_task(server._serve([sock]))
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def export(exporter: Any) -> bool:
    """What an instrumented application does: an agent's span, within it a call and a tool; whether all went."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    call = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
    said = {"gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "Hi."}]}]'}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather"}
    with tracer.start_as_current_span("invoke_agent a", attributes={"gen_ai.operation.name": "invoke_agent"}):
        with tracer.start_as_current_span("chat gpt-4o", attributes=call | said):
            pass
        with tracer.start_as_current_span("execute_tool weather", attributes=tool):
            pass
    gone = provider.force_flush(60_000)
    provider.shutdown()
    return bool(gone)


def http_exporter(url: str, headers: dict[str, str]) -> Any:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=f"{url}/v1/traces", headers=headers, compression=Compression.Gzip, timeout=60)


def grpc_exporter(address: str, headers: dict[str, str]) -> Any:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=address, insecure=True, headers=tuple(headers.items()), timeout=60)


def check(house: House) -> None:
    (call,) = house.intake.calls
    assert texts(call) == [("user", "Hi.")]
    assert (call.whose.app, call.provider, call.model) == ("shop", "openai", "gpt-4o")
    assert [tool.name for tool in call.tool_spans] == ["weather"]
    assert house.intake.callers == ["client"]


async def test_the_sdk_over_http_tells_its_calls(house: House) -> None:
    house.access = Keys()
    async with serving(Otel().mounts(house.host())[0].app) as url:
        assert await asyncio.to_thread(export, http_exporter(url, {"x-midwatch-key": "mw_client_key"}))
    check(house)
    assert house.counted("midwatch_otel_spans_total") == {
        ("http", "call"): 1.0,
        ("http", "tool"): 1.0,
        ("http", "passed_over"): 1.0,
    }


async def test_the_sdk_over_grpc_tells_the_same(house: House) -> None:
    async with listening(house) as address:
        assert await asyncio.to_thread(export, grpc_exporter(address, {"authorization": "Bearer mw_client_key"}))
    check(house)


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[str]:
    """A house that asks for keys and listens for gRPC; where."""
    house.access = Keys()
    otel = Otel(OtelSettings(grpc_listen="127.0.0.1:0"))
    await begun(otel, house.host())
    assert otel._grpc is not None
    try:
        yield f"127.0.0.1:{otel._grpc.port}"
    finally:
        await otel.shutdown()


async def code_of(address: str, body: bytes, key: str = "mw_client_key") -> str:
    """The code that an Export of these bytes ends with."""
    import grpc

    name = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            await channel.unary_unary(name)(body, metadata=(("x-midwatch-key", key),), timeout=60)
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
    return "OK"


@pytest.mark.parametrize(
    ("body", "key", "code"),
    [
        (b"", "mw_client_key", "OK"),
        (b"\xff\xff garbage", "mw_client_key", "INVALID_ARGUMENT"),
        (b"", "mw_nobody", "UNAUTHENTICATED"),
        (bytes(17 * 1024 * 1024), "mw_client_key", "RESOURCE_EXHAUSTED"),
    ],
    ids=["empty", "garbage", "no key", "large"],
)
async def test_grpc_answers_in_its_own_codes(house: House, body: bytes, key: str, code: str) -> None:
    async with listening(house) as address:
        assert await code_of(address, body, key) == code


async def test_a_full_journal_asks_grpc_clients_to_come_again(house: House, told: Callable[[], bytes]) -> None:
    from midwatch_core import IntakeFullError

    house.intake.faults = [IntakeFullError("full")]
    async with listening(house) as address:
        assert await code_of(address, told()) == "UNAVAILABLE"
        assert await code_of(address, told()) == "OK"


async def test_grpc_beyond_loopback_needs_keys(house: House) -> None:
    with pytest.raises(ConfigError, match=r"access\.console: always"):
        await begun(Otel(OtelSettings(grpc_listen="0.0.0.0:0")), house.host())


async def test_without_grpc_the_extra_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.delitem(sys.modules, "midwatch_otel.ingest.grpc_face", raising=False)
    with pytest.raises(ConfigError, match=r"install midwatch-otel\[grpc\]"):
        await begun(Otel(OtelSettings(grpc_listen="127.0.0.1:0")), house.host())


async def test_an_address_that_is_taken_is_named(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = f"127.0.0.1:{sock.getsockname()[1]}"
        with pytest.raises(ConfigError, match=rf"otel\.grpc_listen: can't listen on {address}"):
            await begun(Otel(OtelSettings(grpc_listen=address)), house.host())


@pytest.fixture
def told() -> Callable[[], bytes]:
    from tests.plugins.otel.conftest import request, span

    attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "m"}
    return lambda: request(span(attributes)).SerializeToString()
