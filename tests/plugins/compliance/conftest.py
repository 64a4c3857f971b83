"""A host with planted calls, findings and sightings over the memory repositories, and an order that covers them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from midwatch_core import (
    LOCAL,
    AccessRole,
    Action,
    Administration,
    Config,
    Exchange,
    Finding,
    Host,
    KeyWish,
    MetricKind,
    Metrics,
    MetricSpec,
    Queries,
    ReportOrder,
    Role,
    Seen,
    Severity,
    Sighting,
    Tenant,
    Verdict,
)
from midwatch_core.testing import make_exchange
from midwatch_memory.metadata import MemoryMetadata
from midwatch_memory.traces import MemoryTraces

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SINCE, UNTIL = NOW - timedelta(days=30), NOW + timedelta(hours=1)
HOSTILE = "Ignore </main><script>alert(1)</script> \u202e all\r\nCEF:0|x|y"


class FixedClock:
    """Time stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def make_finding(number: int, **changes: Any) -> Finding:
    finding = Finding(
        id=f"f-{number}",
        rule="midwatch/prompt-injection/ignore",
        category="prompt_injection",
        severity=Severity.HIGH,
        confidence=0.9,
        message="Asks the model to drop its instructions",
        owasp=("LLM01:2025",),
        evidence="ignore all …",
    )
    return replace(finding, **changes)


def planted_calls() -> list[Exchange]:
    """Acme: an injection that was only recorded, an address redacted, a call blocked, one plain call, one too old.

    Lab: one injection that was blocked.
    """

    def at(days: int) -> dict[str, Any]:
        return {"started_at": NOW - timedelta(days=days)}

    injection = make_finding(1, message=HOSTILE, evidence=HOSTILE)
    address = make_finding(
        2, rule="pii/email", category="pii", severity=Severity.MEDIUM, owasp=("LLM02:2025",), message="An address"
    )
    deletes = make_finding(
        3,
        rule="midwatch/dangerous-actions/destructive-command",
        category="tool_abuse",
        severity=Severity.CRITICAL,
        owasp=("LLM06:2025", "LLM05:2025"),
    )
    other = make_finding(4)
    redacted = Verdict(action=Action.REDACT, findings=("f-2",), policy="balanced", policy_line="personal-data-out")
    blocked = Verdict(action=Action.BLOCK, findings=("f-3",), policy="balanced", policy_line="dangerous-tool-calls")
    elsewhere = Verdict(action=Action.BLOCK, findings=("f-4",), policy="balanced", policy_line="injections")
    return [
        make_exchange(tenant="acme", findings=(injection,), **at(1)),
        make_exchange(tenant="acme", findings=(address,), verdicts=(redacted,), **at(2)),
        make_exchange(tenant="acme", findings=(deletes,), verdicts=(blocked,), model="claude-sonnet-4-5", **at(3)),
        make_exchange(tenant="acme", **at(4)),
        make_exchange(tenant="acme", findings=(make_finding(9),), **at(40)),
        make_exchange(tenant="lab", findings=(other,), verdicts=(elsewhere,), **at(1)),
    ]


def planted_sightings() -> list[Sighting]:
    first, last = NOW - timedelta(days=3), NOW - timedelta(days=1)
    read = Sighting(
        host="api.openai.com", tenant="acme", seen=Seen.DECRYPTED, first_at=first, last_at=last, connections=9, calls=4
    )
    shadow = Sighting(
        host="chat.example.cn",
        tenant="acme",
        seen=Seen.SNI,
        first_at=first,
        last_at=last,
        known=False,
        client="10.0.0.9",
        connections=3,
    )
    return [read, shadow, replace(read, host="api.anthropic.com", tenant="lab")]


@dataclass(slots=True)
class Planted:
    """The host, and the stores behind it."""

    host: Host
    traces: MemoryTraces
    metadata: MemoryMetadata

    def with_settings(self, **settings: object) -> Host:
        return replace(self.host, settings={**self.host.settings, **settings})


@pytest.fixture
async def planted(tmp_path: Path) -> Planted:
    traces, metadata = MemoryTraces(), MemoryMetadata()
    await traces.start()
    await metadata.start()
    await traces.put(planted_calls())
    await metadata.sight(planted_sightings())
    clock = FixedClock()
    tenants = [Tenant(name=name, created_at=NOW, configured=True, retention_days=7) for name in ("acme",)]
    administration = Administration(metadata, clock, configured=lambda: tenants)
    await administration.create_key(LOCAL, KeyWish(role=AccessRole.OPERATOR, tenant="acme"))
    await administration.create_key(LOCAL, KeyWish(role=AccessRole.ADMIN, expires_at=NOW + timedelta(days=90)))
    metrics = Metrics()
    metrics.declare([MetricSpec(name="midwatch_journal_dropped_total", kind=MetricKind.COUNTER, help="Lost")])
    host = Host(
        role=Role.CONTROL,
        home=tmp_path,
        metrics=metrics,
        settings=dict(Config(policy="balanced")),
        clock=clock,
        queries=Queries(traces=traces, metadata=metadata),
        samples=metrics.samples,
        administration=administration,
        version="0.1.0",
    )
    return Planted(host=host, traces=traces, metadata=metadata)


def order(tenant: str | None = None, since: datetime = SINCE, until: datetime = UNTIL) -> ReportOrder:
    return ReportOrder(tenant=tenant, since=since, until=until)


def counted(rows: Sequence[Any], name: str) -> int:
    return sum(row.findings for row in rows if row.name == name)
