"""What the overview reads: sums of the window, of the one before, and by what people ask for; all at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from midwatch_core import (
    EXACT,
    ActivityRow,
    CostRow,
    CostSum,
    ExchangeFilter,
    FindingCount,
    FindingFilter,
    FindingRow,
    Queries,
    Severity,
    TriageState,
    highest_first,
)
from midwatch_web.charts.slots import Slots
from midwatch_web.overview.asked import Asked

# What the top lists are of, in the order they are shown.
TOP_KEYS = ("model", "tenant", "app", "agent", "user", "key_id")
# Users and keys are told apart by the finest sums alone: these are gone through once for both.
_FINE = ("user", "key_id")
_NEWEST = 5
# Findings are counted by day, which is kept as sums, unless the window is so short.
_BY_HOUR = timedelta(days=4)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """All that is known of a window without looking into it."""

    costs: Sequence[CostRow]
    activity: Sequence[ActivityRow]
    findings: Sequence[FindingCount]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read. `sums` are grouped by the key of `slots`, findings by that of `days`, and by category.

    `before` has one group, or is None where there is no window before; `tops` are costs by each of TOP_KEYS.
    """

    slots: Slots
    days: Slots
    sums: Sums
    before: Sums | None
    tops: Sequence[Sequence[CostRow]]
    newest: Sequence[FindingRow]


async def read_overview(queries: Queries, asked: Asked) -> Read:
    """Ask the query service; what does not depend on each other is asked at once. Raises StorageError."""
    wanted = asked.wanted
    ever = None if wanted.since is not None else await queries.costs(wanted, by=["day"])
    first = asked.now if ever is None else _first(ever, asked.now)
    slots = asked.slots(first)
    long = asked.until - (wanted.since or first) > _BY_HOUR
    days = asked.slots(first, finest=_DAY) if long else slots
    sums, before, newest, tops = await asyncio.gather(
        _sums(queries, wanted, time=(slots.key,), counted=(days.key, "category"), costs=_if_of(slots, ever)),
        _before(queries, asked.before),
        _newest(queries, findings_like(wanted)),
        _tops(queries, wanted),
    )
    return Read(slots=slots, days=days, sums=sums, before=before, newest=newest, tops=tops)


def findings_like(wanted: ExchangeFilter) -> FindingFilter:
    """The findings of the same window and tenant."""
    return FindingFilter(since=wanted.since, until=wanted.until, tenant=wanted.tenant)


async def any_calls(queries: Queries) -> bool:
    """Whether anything at all is kept."""
    return bool((await queries.exchanges(ExchangeFilter(), limit=1)).rows)


async def _sums(
    queries: Queries,
    wanted: ExchangeFilter,
    *,
    time: Sequence[str],
    counted: Sequence[str],
    costs: Sequence[CostRow] | None = None,
) -> Sums:
    """The sums of a window; `costs` where they are known already."""
    known, activity, findings = await asyncio.gather(
        _costs(queries, wanted, time, costs),
        queries.activity(wanted, by=time),
        queries.finding_counts(findings_like(wanted), by=counted),
    )
    return Sums(costs=known, activity=activity, findings=findings)


async def _costs(
    queries: Queries, wanted: ExchangeFilter, by: Sequence[str], known: Sequence[CostRow] | None
) -> Sequence[CostRow]:
    return known if known is not None else await queries.costs(wanted, by=by)


def _if_of(slots: Slots, by_day: Sequence[CostRow] | None) -> Sequence[CostRow] | None:
    """Costs by day, where days are what the slots are made of."""
    return by_day if slots.key == "day" else None


async def _before(queries: Queries, wanted: ExchangeFilter | None) -> Sums | None:
    return None if wanted is None else await _sums(queries, wanted, time=(), counted=())


async def _newest(queries: Queries, wanted: FindingFilter) -> Sequence[FindingRow]:
    """The newest grave findings that nobody has judged."""
    grave = replace(wanted, severity=Severity.HIGH)
    return (await queries.findings(grave, state=TriageState.OPEN, limit=_NEWEST)).rows


async def _tops(queries: Queries, wanted: ExchangeFilter) -> list[Sequence[CostRow]]:
    """Costs by each of TOP_KEYS."""
    fine, *coarse = await asyncio.gather(
        queries.costs(wanted, by=_FINE), *(queries.costs(wanted, by=[key]) for key in TOP_KEYS if key not in _FINE)
    )
    return [*coarse, *(_of_one_key(fine, place) for place in range(len(_FINE)))]


def _of_one_key(rows: Sequence[CostRow], place: int) -> list[CostRow]:
    """Sums by several keys, by one of them."""
    sums: dict[tuple[str | None, ...], CostSum] = {}
    for row in rows:
        total = sums.setdefault((row.group[place],), CostSum())
        total.add_row(row, subscription=False)
        total.api_equivalent_usd = EXACT.add(total.api_equivalent_usd, row.api_equivalent_usd)
    return highest_first(total.row(group) for group, total in sums.items())


def _first(by_day: Sequence[CostRow], now: datetime) -> datetime:
    """The day of the first call that is kept; an hour ago where there is none."""
    days = sorted(row.group[0] for row in by_day if row.group[0])
    return datetime.fromisoformat(days[0]).replace(tzinfo=UTC) if days else now - _HOUR
