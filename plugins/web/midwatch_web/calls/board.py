"""The list page's view: rows, sums and what there is to choose from, as the templates want them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from midwatch_core import CostRow, Page, Queries
from midwatch_web.calls.listfilter import ListFilter
from midwatch_web.calls.outcome import read_rows

ROWS_A_PAGE = 50
# The choices of the filters come from sums by these: stores keep them ready, and those of all at once they do not.
_CHOICES = (("provider", "model"), ("app", "agent"), ("tenant",))
# A choice of more is none: the rest can be written into the address.
_MOST_CHOICES = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the calls of the period that pass the filter."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    api_equivalent_usd: Decimal = Decimal(0)
    unpriced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the filters offer. `tenants` is empty where there is only one to choose."""

    providers: tuple[str, ...]
    models: tuple[str, ...]
    apps: tuple[str, ...]
    agents: tuple[str, ...]
    tenants: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The whole page. There are no totals of what is looked through: nobody has summed that up."""

    chosen: ListFilter
    page: Page
    totals: Totals | None
    choices: Choices
    exports: str
    on_first_page: bool

    @property
    def untouched(self) -> bool:
        """Whether there is nothing to see and nothing was chosen: a newcomer's first look."""
        return not self.page.rows and self.on_first_page and self.chosen == ListFilter()

    @property
    def older(self) -> str | None:
        """The next page's query string."""
        return self.chosen.query(cursor=self.page.cursor) if self.page.cursor else None


async def read_board(queries: Queries, chosen: ListFilter, now: datetime, cursor: str | None) -> Board:
    """Ask the query service for all that the page shows."""
    page = await read_rows(queries, chosen.wanted(now), chosen.outcome, limit=ROWS_A_PAGE, cursor=cursor)
    return Board(
        chosen=chosen,
        page=page,
        totals=None if chosen.looks_through else await read_totals(queries, chosen, now),
        choices=await read_choices(queries, chosen, now),
        exports=chosen.export_query(now),
        on_first_page=cursor is None,
    )


async def read_choices(queries: Queries, chosen: ListFilter, now: datetime) -> Choices:
    """What there is to choose from, for another list with these filters."""
    period = chosen.whole_period(now)
    models, agents, tenants = [await queries.costs(period, by=keys) for keys in _CHOICES]
    found = _values(tenants, 0, chosen.tenant)
    return Choices(
        providers=_values(models, 0, chosen.provider),
        models=_values(models, 1, chosen.model),
        apps=_values(agents, 0, chosen.app),
        agents=_values(agents, 1, chosen.agent),
        tenants=found if len(found) > 1 or chosen.tenant else (),
    )


async def read_totals(queries: Queries, chosen: ListFilter, now: datetime) -> Totals:
    """The sums alone, for the strip's refresh."""
    rows = await queries.costs(chosen.wanted(now), by=())
    return Totals(
        calls=sum(row.calls for row in rows),
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cost_usd=sum((row.cost_usd for row in rows), Decimal(0)),
        api_equivalent_usd=sum((row.api_equivalent_usd for row in rows), Decimal(0)),
        unpriced=sum(row.unpriced for row in rows),
    )


def _values(sums: Sequence[CostRow], place: int, chosen: str | None) -> tuple[str, ...]:
    """What a filter offers: the values there are, and the one chosen even where it is gone."""
    found = sorted({value for row in sums if (value := row.group[place])})[:_MOST_CHOICES]
    return tuple(sorted({*found, *([chosen] if chosen else [])}))
