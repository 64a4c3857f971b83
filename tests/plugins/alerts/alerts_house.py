"""A house for the plugin: a clock that is set by hand, incidents, and a desk that knows which are open."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from midwatch_alerts.numbers import METRICS
from midwatch_alerts.settings import Settings
from midwatch_core import AlertDesk, CacheLayer, Host, Incident, Metrics, Role, Severity

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)


@dataclass(slots=True)
class SetClock:
    """Stands where it is put."""

    at: datetime = NOW
    passed_s: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.passed_s

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.passed_s += seconds


@dataclass(slots=True)
class OpenIncidents:
    """What a message asks the desk of alerts: which incidents are open, and links to take one on."""

    incidents: list[Incident] = field(default_factory=list)
    outbox: None = None

    def open(self) -> tuple[Incident, ...]:
        return tuple(self.incidents)

    def signed(self, incident_id: str, channel: str) -> str:
        return f"{incident_id}.{channel}"


def incident(number: int = 1, **changes: Any) -> Incident:
    """An incident of the tenant acme; equal numbers are the same trouble, and the same incident."""
    given: dict[str, Any] = {
        "id": f"i-{number}",
        "fingerprint": f"finding:{number}",
        "category": "finding",
        "severity": Severity.MEDIUM,
        "title": f"Trouble {number}",
        "began_at": NOW,
        "last_at": NOW,
        "tenant": "acme",
        **changes,
    }
    return Incident(**given)


def settings(channels: Sequence[dict[str, Any]], **changes: Any) -> Settings:
    return Settings.model_validate({"channels": channels, **changes})


def webhook(url: str, name: str = "ops") -> dict[str, Any]:
    return {"name": name, "kind": "webhook", "url": url}


def host(home: Path, *, desk: OpenIncidents | None = None, cache: CacheLayer | None = None, **changes: Any) -> Host:
    metrics = Metrics()
    metrics.declare(METRICS)
    return Host(
        role=Role.CONTROL,
        home=home,
        metrics=metrics,
        alerts=cast(AlertDesk, desk) if desk is not None else None,
        cache=cache,
        version="0.1.0",
        **changes,
    )


def counted(metrics: Metrics) -> dict[tuple[str, ...], float]:
    return {(sample.name, *sample.labels): sample.values[0] for sample in metrics.samples()}


async def done(answer: Awaitable[None] | None) -> None:
    """As the host does: what a hook gives is awaited where it can be."""
    if answer is not None:
        await answer
