"""The list page's filter: from its query string to the query service's words, and back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from midwatch_core import ExchangeFilter, ExchangeRow
from midwatch_web.calls.outcome import Outcome
from midwatch_web.serving.answers import utc

# How far back the page looks; None is all that is kept.
PERIODS: Mapping[str, tuple[str, timedelta | None]] = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
    "all": ("All time", None),
}
DEFAULT_PERIOD = "7d"
# A search for more is no search.
_LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilter:
    """What the reader chose. Empty choices are None; a window of `since` and `until` (UTC) comes before the period."""

    provider: str | None = None
    model: str | None = None
    app: str | None = None
    agent: str | None = None
    tenant: str | None = None
    outcome: Outcome | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    period: str = DEFAULT_PERIOD

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "ListFilter":
        """From a query string's values; what is none of ours (a period, an outcome, a moment) is not chosen."""
        period, outcome = query.get("period", ""), query.get("outcome", "")
        return cls(
            provider=query.get("provider") or None,
            model=query.get("model") or None,
            app=query.get("app") or None,
            agent=query.get("agent") or None,
            tenant=query.get("tenant") or None,
            outcome=Outcome(outcome) if outcome in list(Outcome) else None,
            text=query.get("text", "")[:_LONGEST_TEXT] or None,
            since=_moment(query.get("since", "")),
            until=_moment(query.get("until", "")),
            period=period if period in PERIODS else DEFAULT_PERIOD,
        )

    @property
    def period_title(self) -> str:
        """The time looked at, in words."""
        if not self.windowed:
            return PERIODS[self.period][0]
        since, until = (f"{moment:%Y-%m-%d %H:%M}" if moment else None for moment in (self.since, self.until))
        return " ".join(filter(None, (since and f"from {since}", until and f"until {until}", "UTC")))

    @property
    def windowed(self) -> bool:
        """Whether a window was chosen instead of a period."""
        return self.since is not None or self.until is not None

    @property
    def narrows(self) -> bool:
        """Whether more than a period was chosen."""
        return replace(self, period=DEFAULT_PERIOD) != ListFilter()

    @property
    def looks_through(self) -> bool:
        """Whether calls are looked through for something that is not summed up."""
        return self.text is not None or self.outcome is not None

    @property
    def follows(self) -> bool:
        """Whether new calls can be told to belong to the list as they come."""
        return self.text is None and self.until is None

    def summed(self) -> "ListFilter":
        """The same without what looks through calls: for lists of sums."""
        return replace(self, text=None, outcome=None)

    def wanted(self, now: datetime) -> ExchangeFilter:
        """The same for the query service; all but the outcome."""
        back = None if self.windowed else PERIODS[self.period][1]
        return ExchangeFilter(
            since=self.since if back is None else now - back,
            until=self.until,
            tenant=self.tenant,
            provider=self.provider,
            model=self.model,
            app=self.app,
            agent=self.agent,
            text=self.text,
        )

    def whole_period(self, now: datetime) -> ExchangeFilter:
        """The time alone: what there is to choose from."""
        return ListFilter(period=self.period, since=self.since, until=self.until).wanted(now)

    def takes(self, row: ExchangeRow) -> bool:
        """Whether a row that has just come belongs to the list."""
        chosen = (self.provider, self.model, self.app, self.agent, self.tenant)
        found = (row.provider, row.model, row.app, row.agent, row.tenant)
        alike = all(one in (None, other) for one, other in zip(chosen, found, strict=True))
        return alike and (self.since is None or row.started_at >= self.since) and self._ended_so(row)

    def _ended_so(self, row: ExchangeRow) -> bool:
        return self.outcome is None or self.outcome.takes(row)

    def query(self, **more: str | None) -> str:
        """The query string, `?` included, that gives this filter again; empty where nothing was chosen."""
        values: dict[str, Any] = {**asdict(self), **more}
        if values["period"] == DEFAULT_PERIOD:
            del values["period"]
        for name in ("since", "until"):
            values[name] = values[name] and field_value(values[name])
        chosen = urlencode({name: value for name, value in values.items() if value}, errors="replace")
        return f"?{chosen}" if chosen else ""

    def export_query(self, now: datetime) -> str:
        """The query string that asks the REST API for the same rows, as things stand now."""
        wanted = self.wanted(now)
        values: dict[str, Any] = {**asdict(wanted), "outcome": self.outcome}
        for name in ("since", "until"):
            values[name] = values[name] and f"{values[name]:%Y-%m-%dT%H:%M:%SZ}"
        chosen = urlencode({name: value for name, value in values.items() if value is not None}, errors="replace")
        return f"?{chosen}" if chosen else ""


def field_value(moment: datetime) -> str:
    """A moment as a field of kind `datetime-local` has it."""
    return f"{moment:%Y-%m-%dT%H:%M}"


def _moment(text: str) -> datetime | None:
    """A field's moment, which is meant in UTC; None where it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Years before these have no four digits to be written back with, and no calls.
    return utc(moment) if moment.tzinfo is None and moment.year > 1970 else None
