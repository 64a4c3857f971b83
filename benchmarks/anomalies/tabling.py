"""The tables of docs/anomaly.md that this package writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.anomalies.judging import TOLD_AS, Family, alarms, false_a_week, middle, outcomes, share
from benchmarks.anomalies.looping import Held
from benchmarks.anomalies.month import Month
from benchmarks.anomalies.planting import Kind
from benchmarks.anomalies.tenants import Fate, Size

PAGE = Path(__file__).resolve().parents[2] / "docs" / "anomaly.md"
# So many false alarms a tenant and week are borne on quiet traffic.
MOST_FALSE = 0.2


def event_table(months: Sequence[Month]) -> Iterator[str]:
    """Each kind of event: planted, found, recall, delay. Precision is that of all alarms of its kind of numbers."""
    told, done = alarms(months), outcomes(months)
    yield "| event | planted | found | recall | median delay | told as | alarms, true and false | precision |"
    yield "|---|---|---|---|---|---|---|---|"
    for kind in Kind:
        here = [item for item in done if item.event.kind is kind]
        delays = [item.delay_s for item in here if item.delay_s is not None]
        of_family = [item for item in told if item.family is TOLD_AS[kind]]
        true = sum(item.true for item in of_family)
        found = f"{len(here)} | {len(delays)} | {_share(share(len(delays), len(here)))} | {_time(middle(delays))}"
        precision = f"{true} + {len(of_family) - true} | {_share(share(true, len(of_family)))}"
        yield f"| {kind} | {found} | {TOLD_AS[kind]} | {precision} |"
    others = [item for item in told if item.family is Family.RATIO]
    true = sum(item.true for item in others)
    yield f"| – | – | – | – | – | {Family.RATIO} | {true} + {len(others) - true} | {_share(share(true, len(others)))} |"


def quiet_table(months: Sequence[Month]) -> Iterator[str]:
    """Tenants without any event: false alarms per tenant and week."""
    yield "| tenants without events | tenants | calls | false alarms | a tenant and week |"
    yield "|---|---|---|---|---|"
    quiet = [month for month in months if month.tenant.fate is Fate.QUIET]
    groups = {size.value: [month for month in quiet if month.tenant.size is size] for size in Size}
    for name, here in {**groups, "all": quiet}.items():
        told = sum(len(month.told) for month in here)
        calls = sum(month.calls for month in here)
        yield f"| {name} | {len(here)} | {calls:,} | {told} | {false_a_week(here):.3f} |"


def loop_table(kinds: Sequence[Held]) -> Iterator[str]:
    """Conversations that go in a circle, and those that only look like it."""
    yield "| conversations | a loop | held | calls | told | repeats when told | seconds since it began |"
    yield "|---|---|---|---|---|---|---|"
    for one in kinds:
        repeats, delay_s = middle([circle.count for circle in one.first]), middle(one.delays_s)
        cells = ("–" if repeats is None else f"{repeats:g}", "–" if delay_s is None else f"{delay_s:.0f}")
        is_loop = "yes" if one.is_loop else "no"
        yield f"| {one.kind} | {is_loop} | {one.talks} | {one.calls:,} | {len(one.first)} | {' | '.join(cells)} |"
    true = sum(len(one.first) for one in kinds if one.is_loop)
    told, there = sum(len(one.first) for one in kinds), sum(one.talks for one in kinds if one.is_loop)
    yield f"| all: precision {_share(share(true, told))}, recall {_share(share(true, there))} | | | | {told} | | |"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds / 60:.0f} min" if seconds < 5 * 3600 else f"{seconds / 86_400:.1f} days"
