"""The list page's view: findings, what the counts are, and what there is to choose from."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from midwatch_core import FindingCount, FindingPage, Queries, Severity
from midwatch_web.findings.asked import FindingsAsked

ROWS_A_PAGE = 50
# A choice of more is none: the rest can be written into the address.
_MOST_CHOICES = 300
_OF_CALLS = ("tenant", "app", "agent", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A line of the counts: how many findings of this name, whatever was made of them; `query` narrows to them."""

    name: str
    findings: int
    query: str
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The whole page. `choices` are by the name of the field; tenants only where there are several."""

    asked: FindingsAsked
    page: FindingPage
    categories: Sequence[Tally]
    severities: Sequence[Tally]
    choices: dict[str, tuple[str, ...]]
    exports: str
    on_first_page: bool

    @property
    def untouched(self) -> bool:
        """Whether nothing was found at all in this time, whatever is chosen: a newcomer's first look."""
        return not self.page.rows and self.on_first_page and not self.categories and not self.asked.narrows

    @property
    def older(self) -> str | None:
        """The next page's query string."""
        return self.asked.query(cursor=self.page.cursor) if self.page.cursor else None


async def read_listing(queries: Queries, asked: FindingsAsked, now: datetime, cursor: str | None) -> Listing:
    """Ask the query service for all that the page shows, at once. Raises StorageError."""
    wanted = asked.wanted(now)
    page, categories, severities, choices = await asyncio.gather(
        queries.findings(wanted, state=asked.state, limit=ROWS_A_PAGE, cursor=cursor),
        queries.finding_counts(replace(wanted, category=None), by=["category"]),
        queries.finding_counts(replace(wanted, severity=None), by=["severity"]),
        _choices(queries, asked, now),
    )
    return Listing(
        asked=asked,
        page=page,
        categories=_categories(asked, categories),
        severities=_severities(asked, severities),
        choices=choices,
        exports=asked.export_query(now),
        on_first_page=cursor is None,
    )


async def _choices(queries: Queries, asked: FindingsAsked, now: datetime) -> dict[str, tuple[str, ...]]:
    rules, *values = await asyncio.gather(
        _rules(queries, asked, now), *(_values(queries, asked, now, name) for name in _OF_CALLS)
    )
    return {"rule": rules, **dict(zip(_OF_CALLS, values, strict=True))}


async def _rules(queries: Queries, asked: FindingsAsked, now: datetime) -> tuple[str, ...]:
    """The rules that found something in the time."""
    counts = await queries.finding_counts(asked.window(now), by=["rule"])
    return _offered([count.group[0] for count in counts], asked.rule)


async def _values(queries: Queries, asked: FindingsAsked, now: datetime, name: str) -> tuple[str, ...]:
    """The values that calls of the time have, with findings or without: those sums are kept, and so are fast."""
    chosen = getattr(asked.calls, name)
    found = [row.group[0] for row in await queries.costs(asked.calls.whole_period(now), by=[name])]
    return () if name == "tenant" and len(found) < 2 and not chosen else _offered(found, chosen)


def _offered(found: Sequence[str | None], chosen: str | None) -> tuple[str, ...]:
    """What a field offers: the first of what there is, and the one chosen even where it is gone."""
    there = [value for value in found if value][:_MOST_CHOICES]
    return tuple(sorted({*there, *([chosen] if chosen else [])}))


def _categories(asked: FindingsAsked, counts: Sequence[FindingCount]) -> list[Tally]:
    return [
        Tally(name=name, findings=count.findings, query=asked.query(category=None if here else name), here=here)
        for count in counts
        if (name := count.group[0])
        for here in [name == asked.category]
    ]


def _severities(asked: FindingsAsked, counts: Sequence[FindingCount]) -> list[Tally]:
    """The worst first, however many. Narrowing to one is narrowing to all that are as bad or worse."""
    found = {count.group[0]: count.findings for count in counts}
    return [
        Tally(
            name=item.value,
            findings=found[item.value],
            query=asked.query(severity=None if item == asked.severity else item.value),
            here=item == asked.severity,
        )
        for item in reversed(Severity)
        if item.value in found
    ]
