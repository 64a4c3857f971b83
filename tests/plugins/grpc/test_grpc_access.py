"""Who gets in over gRPC: by a key in either place, as long as it is good; and what is open to all."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from midwatch_core import AccessRole, Caller
from midwatch_grpc.proto.midwatch.v1 import calls_pb2, service_pb2

from .conftest import SERVICE, Desk, Keys, Serve

SENDER = Caller(name="k1", role=AccessRole.CLIENT, tenant="acme")
CALL = calls_pb2.Call(plain=calls_pb2.PlainCall(provider="acme"))
BATCH = service_pb2.IngestTracesRequest(calls=[CALL])


@pytest.fixture
def keys(desk: Desk) -> Keys:
    desk.access = keys = Keys({"mw_good": SENDER})
    return keys


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(("authorization", "Bearer mw_good"), id="bearer"),
        pytest.param(("authorization", "bearer mw_good"), id="lower-case"),
        pytest.param(("x-midwatch-key", "mw_good"), id="own"),
    ],
)
@pytest.mark.usefixtures("keys")
async def test_a_key_in_either_place_says_who_comes(desk: Desk, serve: Serve, shown: tuple[str, str]) -> None:
    async with serve() as line:
        await line.ask("IngestTraces", BATCH, metadata=(shown,))
    assert desk.intake is not None
    assert desk.intake.callers == [SENDER]


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param((), id="none"),
        pytest.param((("authorization", "Bearer mw_other"),), id="unknown"),
        pytest.param((("authorization", "Basic mw_good"),), id="other-scheme"),
        pytest.param((("x-midwatch-key-bin", b"\xff"),), id="bytes"),
    ],
)
@pytest.mark.parametrize("method", ["IngestTraces", "StreamTraces", "Scan"])
@pytest.mark.usefixtures("keys")
async def test_nobody_gets_in_without_one(desk: Desk, serve: Serve, rpc: Any, method: str, metadata: Any) -> None:
    async with serve() as line:
        ask = line.channel.stream_unary if method == "StreamTraces" else line.channel.unary_unary
        sent = iter([b""]) if method == "StreamTraces" else b""
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await ask(SERVICE + method)(sent, metadata=metadata, timeout=60)
    assert caught.value.code() is rpc.StatusCode.UNAUTHENTICATED
    assert "mw_good" not in caught.value.details()
    assert desk.counted() == {(method, "UNAUTHENTICATED"): 1}


async def test_a_key_that_is_revoked_ends_the_stream_it_opened(desk: Desk, serve: Serve, rpc: Any, keys: Keys) -> None:
    async def sent() -> AsyncIterator[service_pb2.StreamTracesRequest]:
        while True:
            yield service_pb2.StreamTracesRequest(calls=[CALL] * 200)

    async def revoke() -> None:
        keys.revoked.add("k1")

    assert desk.intake is not None
    desk.intake.wait = revoke
    async with serve() as line:
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await line.stream(sent(), metadata=(("x-midwatch-key", "mw_good"),))
    assert caught.value.code() is rpc.StatusCode.UNAUTHENTICATED
    assert dict(caught.value.trailing_metadata()) == {"midwatch-taken": "200"}
    assert len(desk.intake.calls) == 200


@pytest.mark.usefixtures("keys")
async def test_health_is_open_and_reflection_asks_for_a_key(serve: Serve, rpc: Any) -> None:
    async with serve() as line:
        await line.channel.unary_unary("/grpc.health.v1.Health/Check")(b"")
        for name in ("grpc.reflection.v1", "grpc.reflection.v1alpha"):
            ask = line.channel.stream_stream(f"/{name}.ServerReflection/ServerReflectionInfo")
            with pytest.raises(rpc.aio.AioRpcError) as caught:
                # Nothing is sent: a message that meets the refusal on its way is told of as INTERNAL by grpcio.
                [answer async for answer in ask(iter([]))]
            assert caught.value.code() is rpc.StatusCode.UNAUTHENTICATED
            assert [answer async for answer in ask(iter([b""]), metadata=(("x-midwatch-key", "mw_good"),))]
