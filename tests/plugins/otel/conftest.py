"""An intake that keeps what it is told, spans as their SDKs make them, and exchanges to export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from midwatch_core import (
    AccessRole,
    Caller,
    Host,
    IntakeError,
    Json,
    Metrics,
    PlainCall,
    Role,
    ToldCall,
)
from midwatch_otel import Otel
from midwatch_otel.export.values import key_values
from midwatch_otel.ingest.receiver import Receiver

TRACE = "5b8efff798038103d269b633813fc60c"
SPAN = "eee19b7ec3c1b174"
START_NS = 1_790_000_000_000_000_000
NOW = datetime(2026, 11, 26, 4, tzinfo=UTC)
KEYS = {
    "mw_client_key": Caller(name="client", role=AccessRole.CLIENT, tenant="acme"),
    "mw_viewer_key": Caller(name="viewer", role=AccessRole.VIEWER, tenant="acme"),
}


class FixedClock:
    """Time stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@dataclass
class KeptIntake:
    """An intake in memory: it keeps calls with their sender; `faults` are raised, one a batch."""

    calls: list[PlainCall] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    faults: list[IntakeError] = field(default_factory=list)

    async def take(self, caller: Caller, calls: Sequence[ToldCall], *, source: str) -> Sequence[str]:
        if self.faults:
            raise self.faults.pop(0)
        self.calls += [call for call in calls if isinstance(call, PlainCall)]
        self.callers.append(caller.name)
        self.sources.add(source)
        return [f"id-{index}" for index in range(len(calls))]


@dataclass
class Keys:
    """Access by the keys above."""

    required: bool = True

    def caller(self, key: str) -> Caller | None:
        return KEYS.get(key)

    def still(self, caller: Caller) -> bool:
        return caller in KEYS.values()


@dataclass
class House:
    """What a plugin stands in."""

    intake: KeptIntake = field(default_factory=KeptIntake)
    metrics: Metrics = field(default_factory=Metrics)
    access: Keys | None = None
    console: str = "127.0.0.1:8082"

    def __post_init__(self) -> None:
        self.metrics.declare(Otel().metrics())

    def host(self) -> Host:
        return Host(
            role=Role.CONTROL,
            home=Path("home"),
            metrics=self.metrics,
            settings={"console": self.console},
            clock=FixedClock(),
            intake=self.intake,
            access=self.access,
            version="1.2.3",
        )

    def receiver(self) -> Receiver:
        return Receiver(intake=self.intake, metrics=self.metrics)

    def counted(self, name: str) -> dict[tuple[str, ...], float]:
        return {item.labels: item.values[0] for item in self.metrics.samples() if item.name == name and item.values[0]}


@pytest.fixture
def house() -> House:
    return House()


def span(
    attributes: Mapping[str, Json],
    *,
    events: Sequence[tuple[str, Mapping[str, Json]]] = (),
    span_id: str = SPAN,
    parent_id: str = "",
    name: str = "chat",
    failed: str | None = None,
    start_ns: int = START_NS,
    lasts_ms: int = 1500,
) -> Span:
    """A span as an SDK's exporter writes it."""
    made = Span(
        trace_id=bytes.fromhex(TRACE),
        span_id=bytes.fromhex(span_id),
        parent_span_id=bytes.fromhex(parent_id),
        name=name,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=start_ns + lasts_ms * 1_000_000,
        attributes=key_values(attributes),
        events=[
            Span.Event(name=title, time_unix_nano=start_ns + 250_000_000, attributes=key_values(told))
            for title, told in events
        ],
    )
    if failed is not None:
        made.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=failed))
    return made


def request(*spans: Span, resource: Mapping[str, Json] | None = None) -> ExportTraceServiceRequest:
    """A request as an exporter sends it."""
    group = ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])
    group.resource.attributes.extend(key_values({"service.name": "shop"} if resource is None else resource))
    return ExportTraceServiceRequest(resource_spans=[group])


def texts(call: PlainCall, side: str = "asked") -> list[tuple[Any, ...]]:
    """Part and words of a call's texts; of tools also what names them."""
    found = call.asked if side == "asked" else call.answer or ()
    return [(str(item.part), item.text, *(x for x in (item.name, item.call_id) if x)) for item in found]
