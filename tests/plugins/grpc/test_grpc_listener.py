"""The listener: its address, TLS, health and reflection, and what becomes of it at the end."""

import asyncio
import importlib
import socket
from pathlib import Path
from typing import Any

import pytest

from midwatch_core import ConfigError, Health
from midwatch_grpc.plugin import Grpc
from midwatch_grpc.settings import GrpcSettings

from .certificate import self_signed
from .conftest import Desk, Serve

WHOLE, OURS = "", "midwatch.v1.Midwatch"


def health_messages() -> Any:
    return importlib.import_module("grpc_health.v1.health_pb2")


def reflection_messages() -> Any:
    return importlib.import_module("grpc_reflection.v1alpha.reflection_pb2")


async def checked(channel: Any, service: str) -> str:
    messages = health_messages()
    raw = messages.HealthCheckRequest(service=service).SerializeToString()
    answer = messages.HealthCheckResponse.FromString(
        await channel.unary_unary("/grpc.health.v1.Health/Check")(raw, timeout=60)
    )
    return str(messages.HealthCheckResponse.ServingStatus.Name(answer.status))


async def reflected(channel: Any, version: str, **asked: Any) -> Any:
    messages = reflection_messages()
    ask = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        messages.ServerReflectionRequest.SerializeToString,
        messages.ServerReflectionResponse.FromString,
    )
    (answer,) = [answer async for answer in ask(iter([messages.ServerReflectionRequest(**asked)]))]
    return answer


def start(desk: Desk, **settings: Any) -> Any:
    return Grpc(GrpcSettings(**settings)).startup(desk.host())


@pytest.mark.parametrize("service", [WHOLE, OURS])
async def test_health_follows_the_installation_s(desk: Desk, serve: Serve, service: str) -> None:
    async with serve() as line:
        assert await checked(line.channel, service) == "SERVING"
        desk.health = Health(started=True, ready=False, parts={})
        assert await checked(line.channel, service) == "NOT_SERVING"


async def test_the_health_of_what_is_not_here_is_not_found_and_nonsense_is_refused(serve: Serve, rpc: Any) -> None:
    async with serve() as line:
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await checked(line.channel, "acme.Thing")
        assert caught.value.code() is rpc.StatusCode.NOT_FOUND
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await line.channel.unary_unary("/grpc.health.v1.Health/Check")(b"\xff\xff")
        assert caught.value.code() is rpc.StatusCode.INVALID_ARGUMENT


async def test_who_watches_hears_of_a_change_and_of_the_end(desk: Desk, serve: Serve) -> None:
    status = health_messages().HealthCheckResponse
    async with serve() as line:
        watch = line.channel.unary_stream("/grpc.health.v1.Health/Watch", response_deserializer=status.FromString)(b"")
        assert (await watch.read()).status == status.SERVING
        desk.health = Health(started=True, ready=False, parts={})
        assert (await watch.read()).status == status.NOT_SERVING
        desk.health = Health(started=True, ready=True, parts={})
        assert (await watch.read()).status == status.SERVING
        stopping = asyncio.create_task(line.stop())
        assert (await watch.read()).status == status.NOT_SERVING
        await stopping


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_tells_the_services_and_all_that_they_need(serve: Serve, version: str) -> None:
    descriptors = importlib.import_module("google.protobuf.descriptor_pb2")
    async with serve() as line:
        listed = await reflected(line.channel, version, list_services="")
        files = await reflected(line.channel, version, file_containing_symbol=OURS)
    assert {service.name for service in listed.list_services_response.service} == {
        OURS,
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    protos = [
        descriptors.FileDescriptorProto.FromString(raw) for raw in files.file_descriptor_response.file_descriptor_proto
    ]
    assert {proto.name for proto in protos} >= {f"midwatch/v1/{name}.proto" for name in ("service", "calls", "scan")}


async def test_a_reflection_request_that_is_none_is_refused(serve: Serve, rpc: Any) -> None:
    async with serve() as line:
        ask = line.channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            [answer async for answer in ask(iter([b"\xff\xff"]))]
    assert caught.value.code() is rpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.usefixtures("rpc")
async def test_an_address_that_is_taken_is_named_with_its_setting(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=rf"grpc\.listen: can't listen on {listen}"):
            await start(desk, listen=listen)


async def test_two_installations_never_share_an_address(desk: Desk, serve: Serve) -> None:
    async with serve() as line:
        with pytest.raises(ConfigError, match=r"grpc\.listen"):
            await start(desk, listen=f"127.0.0.1:{line.port}")


async def test_with_a_certificate_it_speaks_tls_alone(serve: Serve, rpc: Any, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    roots = rpc.ssl_channel_credentials(certificate.read_bytes())

    def secure(address: str) -> Any:
        return rpc.aio.secure_channel(address.replace("127.0.0.1", "localhost"), roots)

    async with serve(channel=secure, certificate=certificate, private_key=key) as line:
        assert await checked(line.channel, WHOLE) == "SERVING"
        async with rpc.aio.insecure_channel(f"127.0.0.1:{line.port}") as clear:
            with pytest.raises(rpc.aio.AioRpcError):
                await checked(clear, WHOLE)


@pytest.mark.usefixtures("rpc")
async def test_files_that_are_no_certificate_are_named_with_their_settings(desk: Desk, tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    for key in (wrong, tmp_path / "absent.pem"):
        with pytest.raises(ConfigError, match=r"grpc\.certificate, grpc\.private_key"):
            await start(desk, listen="127.0.0.1:0", certificate=certificate, private_key=key)
