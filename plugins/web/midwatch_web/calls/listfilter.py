"""The list page's filter: from its query string to the query service's words, and back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from midwatch_core import ExchangeFilter, ExchangeRow

# How far back the page looks; None is all that is kept.
PERIODS: Mapping[str, tuple[str, timedelta | None]] = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
    "all": ("All time", None),
}
DEFAULT_PERIOD = "7d"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilter:
    """What the reader chose. Empty choices are None."""

    provider: str | None = None
    model: str | None = None
    app: str | None = None
    period: str = DEFAULT_PERIOD

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "ListFilter":
        """From a query string's values; a period that is none of ours is the default."""
        period = query.get("period", "")
        return cls(
            provider=query.get("provider") or None,
            model=query.get("model") or None,
            app=query.get("app") or None,
            period=period if period in PERIODS else DEFAULT_PERIOD,
        )

    @property
    def period_title(self) -> str:
        """The period in words."""
        return PERIODS[self.period][0]

    @property
    def narrows(self) -> bool:
        """Whether more than a period was chosen."""
        return any((self.provider, self.model, self.app))

    def wanted(self, now: datetime) -> ExchangeFilter:
        """The same for the query service."""
        back = PERIODS[self.period][1]
        since = None if back is None else now - back
        return ExchangeFilter(since=since, provider=self.provider, model=self.model, app=self.app)

    def whole_period(self, now: datetime) -> ExchangeFilter:
        """The period alone: what there is to choose from."""
        return replace(self, provider=None, model=None, app=None).wanted(now)

    def takes(self, row: ExchangeRow) -> bool:
        """Whether a row that has just come belongs to the list."""
        return all(
            chosen is None or chosen == found
            for chosen, found in ((self.provider, row.provider), (self.model, row.model), (self.app, row.app))
        )

    def query(self, **more: str | None) -> str:
        """The query string, `?` included, that gives this filter again; empty where nothing was chosen."""
        values: dict[str, Any] = {**asdict(self), **more}
        if values["period"] == DEFAULT_PERIOD:
            del values["period"]
        chosen = urlencode({name: value for name, value in values.items() if value})
        return f"?{chosen}" if chosen else ""
