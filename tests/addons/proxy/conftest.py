"""An addon under mitmproxy's own test context, with a journal and the shipped catalogue, and flows to give it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest
from mitmproxy import http
from mitmproxy.test import taddons, tflow

from midwatch.lines import LineClient
from midwatch.proxy import bridge
from midwatch.proxy.admission.admitting import Admitting
from midwatch.proxy.admission.identifying import Identifying
from midwatch.proxy.governing.governance import Governance
from midwatch.proxy.governing.spending import Spending
from midwatch.proxy.guarding import Guarding
from midwatch.proxy.journaling import Journalist
from midwatch.proxy.numbers import WORKER
from midwatch.proxy.recognising import Recognising
from midwatch.proxy.settling import Settling
from midwatch.proxy.sockets.addon import Sockets
from midwatch.proxy.sockets.conversing import Shared
from midwatch.proxy.watching import Watching
from midwatch_core.access.directory import Directory
from midwatch_core.access.identifying import Identifier
from midwatch_core.access.settings import IdentitySettings
from midwatch_core.clock import SystemClock
from midwatch_core.config import Config
from midwatch_core.enforcement import Enforcer
from midwatch_core.engine import Engine
from midwatch_core.frame import FrameDecoder
from midwatch_core.guarded import Guard
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.model.exchange import Exchange
from midwatch_core.policy import Policy
from midwatch_core.sealing import Sealers
from midwatch_core.wire.catalogue import Catalogue, CatalogueSpec
from midwatch_core.wire.dialects import BUILTIN
from midwatch_journal import JournalReader, JournalWriter, new_writer_id
from midwatch_memory.cache import MemoryCache

CHAT = {"path": "/v1/chat/completions", "dialect": "openai.chat"}
SOCKET_ROUTES = [
    {"path": "/v1/responses", "dialect": "openai.responses", "socket": True},
    {"path": "/v1/realtime", "dialect": "openai.realtime", "socket": True},
]
SPEC = CatalogueSpec.model_validate(
    {
        "providers": [{"name": "openai", "hosts": ["api.openai.com"], "routes": [CHAT, *SOCKET_ROUTES]}],
        "anywhere": [{"name": "self_hosted", "routes": [{**CHAT, "shape": ["model", "messages"]}]}],
    }
)
QUESTION = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
ANSWER = orjson.dumps(
    {
        "id": "chatcmpl-1",
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}],
    }
)


OBSERVE = b"policy: {id: observe}\nlines: [{id: all, then: flag}]\n"


@dataclass
class Watch:
    """The addons that let in and watch, and what they journalled."""

    folder: Path
    metrics: Metrics = field(default_factory=Metrics)
    guard: Guard = field(default_factory=Guard)
    detectors: Sequence[object] = ()
    policy: bytes = OBSERVE
    directory: Directory = field(default_factory=Directory)
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    config: Config = field(default_factory=Config)
    called: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.metrics.declare(WORKER)
        sealers = Sealers(b"key")
        enforcer = Enforcer(
            engine=Engine(self._plugins()), policy=Policy.load(self.policy, "p"), key=b"key", clock=SystemClock()
        )
        self.writer = JournalWriter(self.folder, new_writer_id("w0"))
        self.reader = JournalReader(self.folder)
        dialects = {dialect.id: dialect for dialect in BUILTIN}
        recognising = Recognising(Catalogue([SPEC], dialects=dialects), dialects)
        self.admitting = Admitting(
            recognising,
            self._identifying(),
            reads=lambda host, port: host == "api.openai.com",
            guard=self.guard,
        )
        self.settling = Settling(
            Journalist(self.writer),
            sealers=sealers,
            guarding=Guarding(enforcer, sealers=sealers, guard=self.guard, metrics=self.metrics),
            governing=self._governance().governing,
            clock=SystemClock(),
            metrics=self.metrics,
        )
        self.sockets = Sockets(
            recognising,
            Shared(
                settling=self.settling,
                identifying=self.admitting.identifying,
                sealers=sealers,
                clock=SystemClock(),
                metrics=self.metrics,
                guard=self.guard,
                max_bytes=self.config.max_inspect_bytes,
                called=lambda flow, identity: self.called.append((bridge.host_of(flow), identity.tenant)),
            ),
        )
        self.addon = Watching(
            recognising=recognising,
            admitting=self.admitting,
            settling=self.settling,
            sealers=sealers,
            clock=SystemClock(),
            metrics=self.metrics,
            guard=self.guard,
        )

    def begin(self, flow: http.HTTPFlow) -> None:
        """The head of a request: each addon has its turn."""
        self.admitting.requestheaders(flow)
        self.addon.requestheaders(flow)
        self.sockets.requestheaders(flow)

    def _governance(self) -> Governance:
        cache = MemoryCache()
        with pytest.raises(StopIteration):
            cache.start().send(None)  # in memory nothing is waited for
        return Governance(
            self.config,
            cache=cache,
            own=cache,
            plugins=Plugins(guard=self.guard),
            spending=Spending(LineClient(self.folder / "nobody.sock"), self.metrics),
            clock=SystemClock(),
            metrics=self.metrics,
        )

    def _identifying(self) -> Identifying:
        identifier = Identifier(self.directory, self.identity, default="default")
        return Identifying(
            identifier, self.identity, installation_key=b"key", clock=SystemClock(), metrics=self.metrics
        )

    def _plugins(self) -> Plugins:
        plugins = Plugins(guard=self.guard)
        for number, detector in enumerate(self.detectors):
            plugins.add(f"detector{number}", lambda detector=detector: detector)  # type: ignore[misc]
        plugins.activate({})
        return plugins

    def journalled(self) -> list[Exchange]:
        """Exchanges that came since the last time, read as the pipeline reads them."""
        decoder = FrameDecoder()
        return [decoder.decode(entry.payload) for entry in self.reader.poll()]

    def close(self) -> None:
        self.writer.close()
        self.reader.close()


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    made = Watch(tmp_path / "journal")
    with taddons.context(made.addon):
        yield made
    await asyncio.to_thread(made.close)


def make_flow(
    *,
    host: str = "api.openai.com",
    path: str = "/v1/chat/completions",
    method: str = "POST",
    body: bytes = orjson.dumps(QUESTION),
    headers: dict[str, str] | None = None,
) -> http.HTTPFlow:
    """A request that has been read whole, over TLS."""
    flow = tflow.tflow()
    fields = {"content-type": "application/json", "user-agent": "OpenAI/Python 1.99", **(headers or {})}
    encoded = [(name.encode(), value.encode()) for name, value in fields.items()]
    flow.request = http.Request.make(method, f"https://{host}{path}", body, http.Headers(encoded))
    flow.client_conn.sni = host
    return flow


def answer_head(flow: http.HTTPFlow, *, status: int = 200, **headers: str) -> None:
    """The head of an answer, as `responseheaders` finds it."""
    flow.response = http.Response.make(status)
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    flow.response.headers = http.Headers(fields)
