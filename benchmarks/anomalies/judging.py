"""What was told, held against what was planted: found or missed, true or false, and how soon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from benchmarks.anomalies.month import DAYS, Month
from benchmarks.anomalies.planting import HOUR_S, Event, Kind
from midwatch_anomaly.change import Change, Metric, Side

# So long after its end an event may still be told, or echo; a day's sums come once it is over.
_AFTER_S = {Kind.DRIFT: 26 * HOUR_S}
_SHORTLY_S = HOUR_S
_WEEKS = DAYS / 7
# A drift lasts for days: it makes nothing true that it does not bring about.
_NOT_GROWN = (Metric.CALLS, Metric.LATENCY, Metric.TTFT, Metric.ERRORS, Metric.FINDINGS)


class Family(StrEnum):
    """Alarms that can't be told apart by what they are of: calls bring tokens, and tokens cost."""

    VOLUME = "volume"
    DRIFT = "drift"
    SILENCE = "silence"
    ERRORS = "errors"
    LATENCY = "latency"
    FINDINGS = "findings"
    RATIO = "output ratio"


# What each kind of event should be told as.
TOLD_AS = {
    Kind.COST: Family.VOLUME,
    Kind.TOKENS: Family.VOLUME,
    Kind.VELOCITY: Family.VOLUME,
    Kind.AGENT: Family.VOLUME,
    Kind.DRIFT: Family.DRIFT,
    Kind.STOP: Family.SILENCE,
    Kind.ERRORS: Family.ERRORS,
    Kind.LATENCY: Family.LATENCY,
    Kind.FINDINGS: Family.FINDINGS,
}
_OF_METRIC = {
    Metric.ERRORS: Family.ERRORS,
    Metric.FINDINGS: Family.FINDINGS,
    Metric.RATIO: Family.RATIO,
    Metric.LATENCY: Family.LATENCY,
    Metric.TTFT: Family.LATENCY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One planted event, and after how many seconds it was told; None where it was not."""

    event: Event
    delay_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing told. It is true where something planted went on, or just had."""

    change: Change
    family: Family
    true: bool


def family_of(change: Change) -> Family:
    """The family of what was told."""
    if change.explanation.side is Side.DRIFT:
        return Family.DRIFT
    if change.explanation.side is Side.LOW:
        return Family.SILENCE
    return _OF_METRIC.get(change.explanation.metric, Family.VOLUME)


def alarms(months: Sequence[Month]) -> list[Alarm]:
    """All that was told."""
    return [
        Alarm(
            change=change,
            family=family_of(change),
            true=any(_is_of(change, event) for event in month.events),
        )
        for month in months
        for change in month.told
    ]


def outcomes(months: Sequence[Month]) -> list[Outcome]:
    """Every planted event, and when it was told as what it is."""
    return [Outcome(event=event, delay_s=_delay_s(event, month.told)) for month in months for event in month.events]


def false_a_week(months: Sequence[Month]) -> float:
    """False alarms per tenant and week."""
    return sum(not alarm.true for alarm in alarms(months)) / (len(months) * _WEEKS) if months else 0.0


def share(part: int, whole: int) -> float | None:
    """A share; None of nothing."""
    return part / whole if whole else None


def middle(values: Sequence[float]) -> float | None:
    """The median; None of nothing."""
    return median(values) if values else None


def _delay_s(event: Event, told: Sequence[Change]) -> float | None:
    found = (change for change in told if _belongs(change, event) and family_of(change) is TOLD_AS[event.kind])
    first = min(found, key=lambda change: change.at_s, default=None)
    return first.at_s - event.begin_s if first else None


def _is_of(change: Change, event: Event) -> bool:
    of = change.explanation
    brought = event.kind is not Kind.DRIFT or of.side is Side.DRIFT or of.metric not in _NOT_GROWN
    return brought and _belongs(change, event)


def _belongs(change: Change, event: Event) -> bool:
    return event.begin_s <= change.at_s <= event.end_s + _AFTER_S.get(event.kind, _SHORTLY_S)
