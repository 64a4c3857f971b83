"""The plugin with a host of its own: an intake that remembers, keys by a table, and real clients on a real port."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from midwatch_core import (
    Access,
    Action,
    Caller,
    Finding,
    Health,
    Host,
    IntakeError,
    Metrics,
    Part,
    Role,
    Scanned,
    Severity,
    ToldCall,
)
from tests.beside import GRPC, ROOT, beside

if importlib.util.find_spec("midwatch_grpc") is None:  # it is in no default environment
    sys.path.append(str(ROOT / "plugins" / "grpc"))

from midwatch_grpc.plugin import Grpc
from midwatch_grpc.proto.midwatch.v1 import service_pb2 as messages
from midwatch_grpc.settings import GrpcSettings

SERVICE = "/midwatch.v1.Midwatch/"


@dataclass(slots=True)
class Intake:
    """Remembers what it took, batch by batch. `failures` are raised, in order, instead of taking."""

    batches: list[Sequence[ToldCall]] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    failures: list[BaseException | None] = field(default_factory=list)
    wait: Callable[[], Awaitable[None]] | None = None

    @property
    def calls(self) -> list[ToldCall]:
        return [call for batch in self.batches for call in batch]

    async def take(self, caller: Caller, calls: Sequence[ToldCall], *, source: str) -> Sequence[str]:
        if self.wait is not None:
            await self.wait()
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure
        for index, call in enumerate(calls):
            if call.whose.key == "bad":
                raise IntakeError("a call that can't be taken", index=index)
        begin = len(self.calls)
        self.batches.append(calls)
        self.callers.append(caller)
        self.sources.add(source)
        return [f"id-{begin + index}" for index in range(len(calls))]


class Scanner:
    """Finds the word `secret`, and takes three texts at most."""

    async def scan(self, caller: Caller, texts: Sequence[tuple[str, Part]]) -> Sequence[Scanned]:
        if len(texts) > 3:
            raise ValueError("4 texts in one go; 3 at most")
        return [self._one(text, part) for text, part in texts]

    def _one(self, text: str, part: Part) -> Scanned:
        at = text.find("secret")
        if at < 0:
            return Scanned(findings=(), score=0.0, action=Action.ALLOW)
        finding = Finding(
            id="f", rule="pack/word", category="secret", severity=Severity.HIGH, confidence=0.5, message=f"in {part}",
            owasp=("LLM02:2025",), start=at, end=at + 6, evidence="s****t", plugin="words", kind="WORD",
        )  # fmt: skip
        return Scanned(findings=(finding,), score=0.5, action=Action.BLOCK, failures=("slow",), actions=(Action.CUT,))


@dataclass(slots=True)
class Keys:
    """Access over a table of keys; `revoked` ones open nothing."""

    table: dict[str, Caller]
    required: bool = True
    revoked: set[str] = field(default_factory=set)

    def caller(self, key: str) -> Caller | None:
        caller = self.table.get(key)
        return caller if caller is not None and self.still(caller) else None

    def still(self, caller: Caller) -> bool:
        return caller.name not in self.revoked


@dataclass(slots=True)
class Desk:
    """The host, and what stands behind it."""

    intake: Intake | None = field(default_factory=Intake)
    scanner: Scanner | None = field(default_factory=Scanner)
    access: Access | None = None
    health: Health = field(default_factory=lambda: Health(started=True, ready=True, parts={}))
    metrics: Metrics = field(default_factory=Metrics)

    def host(self, role: Role = Role.CONTROL) -> Host:
        return Host(
            role=role,
            home=Path("home"),
            metrics=self.metrics,
            intake=self.intake,
            scanner=self.scanner,
            access=self.access,
            health=lambda: self.health,
        )

    def counted(self) -> dict[tuple[str, ...], float]:
        return {sample.labels: sample.values[0] for sample in self.metrics.samples()}


@dataclass(frozen=True, slots=True)
class Line:
    """A client's channel to a running listener."""

    port: int
    channel: Any
    stop: Callable[[], Coroutine[Any, Any, None]]

    async def ask(self, method: str, message: Any, **options: Any) -> Any:
        """One message, or its raw bytes, for one answer."""
        raw = message if isinstance(message, bytes) else message.SerializeToString()
        answer = getattr(messages, f"{method}Response")
        return answer.FromString(await self.channel.unary_unary(SERVICE + method)(raw, **{"timeout": 60, **options}))

    async def stream(self, sent: Any, **options: Any) -> messages.StreamTracesResponse:
        """A stream of messages for one answer; `sent` iterates, plainly or asynchronously."""
        serialize, read = messages.StreamTracesRequest.SerializeToString, messages.StreamTracesResponse.FromString
        ask = self.channel.stream_unary(f"{SERVICE}StreamTraces", serialize, read)
        answer: messages.StreamTracesResponse = await ask(sent, **{"timeout": 60, **options})
        return answer


@pytest.fixture(scope="session")
def rpc() -> Any:
    """gRPC's own package."""
    beside(*GRPC, module="grpc")
    return importlib.import_module("grpc")


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.metrics.declare(Grpc().metrics())
    return desk


type Serve = Callable[..., AbstractAsyncContextManager[Line]]


@pytest.fixture
def serve(rpc: Any, desk: Desk) -> Serve:
    """The plugin at work, and a channel to it: `async with serve(max_requests=1) as line`."""

    @asynccontextmanager
    async def run(*, channel: Callable[[str], Any] | None = None, **settings: Any) -> AsyncIterator[Line]:
        plugin = Grpc(GrpcSettings(listen="127.0.0.1:0", **settings))
        starting = plugin.startup(desk.host())
        assert starting is not None
        await starting
        assert plugin._listener is not None
        address = f"127.0.0.1:{plugin._listener.port}"
        try:
            async with (channel or rpc.aio.insecure_channel)(address) as opened:
                yield Line(plugin._listener.port, opened, plugin._listener.stop)
        finally:
            stopping = plugin.shutdown(desk.host())
            assert stopping is not None
            await stopping

    return run
