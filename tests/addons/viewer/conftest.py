"""The addons that watch, and a viewer's around them, under mitmproxy's own test context."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from mitmproxy import http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.test import taddons

from midwatch.lines import LineClient
from midwatch.proxy.recognising import Recognising
from midwatch.viewer.keeping import BodyKeeping, MetadataKeeping
from midwatch.viewer.noting import Noting
from midwatch.viewer.reading import Reading
from midwatch_core.guarded import Guard
from midwatch_core.wire.catalogue import Catalogue, CatalogueSpec
from midwatch_core.wire.dialects import BUILTIN
from tests.addons.proxy.conftest import Watch, answer_head

MOST_BYTES = 4096


@cache
def shipped() -> Recognising:
    """What the shipped catalogue knows."""
    dialects = {dialect.id: dialect for dialect in BUILTIN}
    text = (files("midwatch_rules") / "providers.yaml").read_text()
    return Recognising(Catalogue([CatalogueSpec.model_validate(yaml.safe_load(text))], dialects=dialects), dialects)


@pytest.fixture
def reading() -> Reading:
    return Reading(shipped())


@pytest.fixture
def guard() -> Iterator[Guard]:
    """What fails in it fails the test."""
    made = Guard()
    yield made
    assert {name: record.last_error for name, record in made.records.items() if record.failures} == {}


class Viewed:
    """A flow's way through all addons, in their order."""

    def __init__(self, watch: Watch, guard: Guard) -> None:
        self.watch = watch
        self.noting = Noting(LineClient(watch.folder / "nobody.sock"), guard)
        watch.settling.listener = self.noting
        watch.sockets.keep(100, MOST_BYTES)
        self.metadata = MetadataKeeping()
        self.bodies = BodyKeeping(MOST_BYTES, guard)

    def ask(self, flow: http.HTTPFlow) -> http.HTTPFlow:
        self.metadata.requestheaders(flow)
        self.watch.begin(flow)
        self.watch.addon.request(flow)
        return flow

    def answer(self, flow: http.HTTPFlow, *chunks: bytes, ends: bool = True, **head: Any) -> bytes:
        """What the client gets."""
        answer_head(flow, **head)
        assert flow.response is not None
        flow.response.raw_content = None  # as it is while a body streams by
        self.watch.addon.responseheaders(flow)
        self.bodies.responseheaders(flow)
        out = b"".join(self._out(flow, chunk) for chunk in chunks)
        if ends:
            out += self._out(flow, b"")
            self.watch.addon.response(flow)
            self.bodies.response(flow)
        return out

    def _out(self, flow: http.HTTPFlow, chunk: bytes) -> bytes:
        assert flow.response is not None
        stream = flow.response.stream
        out = stream(chunk) if callable(stream) else chunk
        return out if isinstance(out, bytes) else b"".join(out)


@pytest.fixture
async def viewed(tmp_path: Path, guard: Guard) -> AsyncIterator[Viewed]:
    watch = Watch(tmp_path / "journal")
    with taddons.context(Proxyserver(), watch.addon):  # who has mitmproxy's options for bodies
        yield Viewed(watch, guard)
    await asyncio.to_thread(watch.close)
