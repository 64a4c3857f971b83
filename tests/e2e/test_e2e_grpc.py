"""gRPC with a real client and a running house: told, streamed, scanned, listed; its calls are kept as all others."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.beside import GRPC, ROOT, beside, plugin_beside
from tests.e2e.admitting import Desk, name_of

SECRET = "AKIA" + "Q3EGRXZ7VWKLM2NP"
PROTO = "midwatch_grpc.proto.midwatch.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A house that asks for keys, a client's library, its stub and the messages."""

    desk: Desk
    key: str
    rpc: Any
    stub: Any
    channel: Any
    calls: Any
    service: Any

    @property
    def shown(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.key}"),)

    def plain(self, app: str, **more: Any) -> Any:
        usage = self.calls.Usage(input_tokens=1000, output_tokens=100)
        asked = [self.calls.PlainText(text="Does it rain in Lisbon?")]
        answer = self.calls.Answer(texts=[self.calls.PlainText(text="Yes.")])
        told = {"provider": "openai", "model": "gpt-5-mini", "asked": asked, "answer": answer, "usage": usage, **more}
        return self.calls.Call(plain=self.calls.PlainCall(**told), whose=self.calls.Whose(app=app))

    def rows(self, app: str) -> list[dict[str, Any]]:
        self.desk.house.ask({"op": "sync"})
        return [row for row in self.desk.house.traces() if row["app"] == app]


@pytest.fixture(scope="module")
def told(house_in: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, waiting: Any) -> Iterator[Told]:
    library, plugin = beside(*GRPC, module="grpc"), plugin_beside("grpc")
    rpc = importlib.import_module("grpc")
    if importlib.util.find_spec("midwatch_grpc") is None:
        sys.path.append(str(ROOT / "plugins" / "grpc"))
    path = os.pathsep.join(str(folder) for folder in (plugin, library) if folder is not None)
    settings = {"grpc": {"listen": "127.0.0.1:0"}, "access": {"console": "always"}}
    folder = tmp_path_factory.mktemp("grpc")
    with house_in(folder, settings=settings, environ={"PYTHONPATH": path}) as house:
        desk = Desk(house)
        desk.run("tenants", "add", "acme")
        found = waiting(lambda: re.search(r"gRPC listens on .* \(port (\d+)\)", house.log), "gRPC to listen")
        with rpc.insecure_channel(f"127.0.0.1:{found[1]}") as channel:
            yield Told(
                desk=desk,
                key=desk.key("--role", "client", "--tenant", "acme"),
                rpc=rpc,
                stub=importlib.import_module(f"{PROTO}.service_pb2_grpc").MidwatchStub(channel),
                channel=channel,
                calls=importlib.import_module(f"{PROTO}.calls_pb2"),
                service=importlib.import_module(f"{PROTO}.service_pb2"),
            )
        assert "crashed" not in house.log
        assert "Traceback" not in house.log


def test_a_batch_is_priced_inspected_and_kept_as_the_tenant_s(told: Told) -> None:
    body = b'{"model": "gpt-5-mini", "messages": [{"role": "user", "content": "the key is %s"}]}' % SECRET.encode()
    wire = told.calls.WireCall(url="https://api.openai.com/v1/chat/completions", request=body, response=b"{}")
    batch = [told.plain("batch"), told.calls.Call(wire=wire, whose=told.calls.Whose(app="batch"))]
    ids = told.stub.IngestTraces(told.service.IngestTracesRequest(calls=batch), metadata=told.shown, timeout=60).ids
    rows = {row["id"]: row for row in told.rows("batch")}
    assert set(rows) == set(ids)
    assert {row["tenant"] for row in rows.values()} == {"acme"}
    assert rows[ids[0]]["cost_usd"] == 0.00045
    assert rows[ids[1]]["findings"]
    assert SECRET not in told.desk.house.log


def test_a_stream_is_kept_to_the_last_call(told: Told) -> None:
    sent = (told.service.StreamTracesRequest(calls=[told.plain("stream")]) for _ in range(450))
    answer = told.stub.StreamTraces(sent, metadata=told.shown, timeout=60)
    assert answer.taken == 450
    assert {row["id"] for row in told.desk.house.rows(app="stream")} == set(answer.ids)


def test_a_text_is_scanned_under_the_policy_in_use(told: Told) -> None:
    scan = importlib.import_module(f"{PROTO}.scan_pb2")
    request = told.service.ScanRequest(texts=[scan.ScanText(text=f"the key is {SECRET}")])
    (result,) = told.stub.Scan(request, metadata=told.shown, timeout=60).results
    assert {finding.category for finding in result.findings} == {"secret"}
    assert result.action == scan.ACTION_FLAG


def test_nobody_comes_without_a_good_key(told: Told) -> None:
    key = told.desk.key("--role", "client", "--tenant", "acme")
    told.desk.run("keys", "revoke", name_of(key))
    for shown in ((), (("x-midwatch-key", key),)):
        with pytest.raises(told.rpc.RpcError) as caught:
            told.stub.Scan(told.service.ScanRequest(), metadata=shown, timeout=60)
        assert caught.value.code() is told.rpc.StatusCode.UNAUTHENTICATED


def test_another_tenant_s_name_opens_nothing(told: Told) -> None:
    call = told.plain("other")
    call.whose.tenant = "default"
    with pytest.raises(told.rpc.RpcError) as caught:
        told.stub.IngestTraces(told.service.IngestTracesRequest(calls=[call]), metadata=told.shown, timeout=60)
    assert caught.value.code() is told.rpc.StatusCode.PERMISSION_DENIED
    assert told.rows("other") == []


def test_health_and_reflection_answer(told: Told) -> None:
    health = importlib.import_module("grpc_health.v1.health_pb2")
    ask = told.channel.unary_unary("/grpc.health.v1.Health/Check")
    assert health.HealthCheckResponse.FromString(ask(b"", timeout=60)).status == health.HealthCheckResponse.SERVING
    reflection = importlib.import_module("grpc_reflection.v1alpha.reflection_pb2")
    look = told.channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        reflection.ServerReflectionRequest.SerializeToString,
        reflection.ServerReflectionResponse.FromString,
    )
    asked = iter([reflection.ServerReflectionRequest(list_services="")])
    (answer,) = look(asked, metadata=told.shown, timeout=60)
    assert "midwatch.v1.Midwatch" in {item.name for item in answer.list_services_response.service}


def test_the_plugin_is_listed(told: Told) -> None:
    (row,) = [row for row in told.desk.rows("plugins", "list") if row["name"] == "grpc"]
    assert row["error"] is None
    assert set(row["hooks"]) == {"metrics", "startup", "shutdown"}
