"""What the overview is asked for: a window, the window before it to compare with, and maybe one tenant."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from starlette.datastructures import QueryParams

from midwatch_core import ExchangeFilter
from midwatch_web.calls.listfilter import PERIODS, ListFilter
from midwatch_web.charts.slots import Slots, slots_between

ORDERS = {"cost": "by cost", "calls": "by calls"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The window in `chosen`, of which nothing but the tenant narrows; `order` is what the top lists go by."""

    chosen: ListFilter
    now: datetime
    order: str = "cost"

    @classmethod
    def from_query(cls, query: QueryParams, now: datetime) -> "Asked":
        """From a query string; what is none of ours is not chosen."""
        told = ListFilter.from_query(query)
        chosen = ListFilter(period=told.period, since=told.since, until=told.until, tenant=told.tenant)
        order = query.get("top", "")
        return cls(chosen=chosen, now=now, order=order if order in ORDERS else "cost")

    @property
    def wanted(self) -> ExchangeFilter:
        """The calls of the window."""
        return self.chosen.wanted(self.now)

    @property
    def until(self) -> datetime:
        """When the window ends, which is never after now."""
        return min(self.chosen.until or self.now, self.now)

    @property
    def before(self) -> ExchangeFilter | None:
        """The calls of the equal window before; None where the window has no beginning."""
        wanted = self.wanted
        if wanted.since is None or wanted.since >= self.until:
            return None
        return replace(wanted, since=wanted.since - (self.until - wanted.since), until=wanted.since)

    def slots(self, first: datetime, *, finest: timedelta = timedelta(hours=1)) -> Slots:
        """The window in slots, none shorter than `finest`; one without a beginning begins with the `first` call."""
        return slots_between(self.wanted.since or first, self.until, finest=finest)

    def query(self, **more: str | None) -> str:
        """The query string that asks for this, or for something else in its place."""
        order = None if self.order == "cost" else self.order
        return self.chosen.query(**{"top": order, **more})

    def period_query(self, period: str) -> str:
        """The query string for another period."""
        chosen = replace(self.chosen, period=period, since=None, until=None)
        return replace(self, chosen=chosen).query()


def period_tabs(asked: Asked) -> list[tuple[str, str, bool]]:
    """Title, query string and whether it is the one shown, of each period."""
    return [
        (title, asked.period_query(name), not asked.chosen.windowed and name == asked.chosen.period)
        for name, (title, _) in PERIODS.items()
    ]
