"""What the page of costs is asked for: a window and filters, and by what its sums are grouped."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from midwatch_core import ExchangeFilter
from midwatch_web.calls.listfilter import ListFilter
from midwatch_web.charts.slots import Slots, slots_between

GROUPS: Mapping[str, str] = {
    "model": "Model",
    "provider": "Provider",
    "app": "App",
    "agent": "Agent",
    "tenant": "Tenant",
    "key_id": "Key",
    "user": "User",
    "day": "Day",
    "hour": "Hour",
}
"""By what sums can be grouped, with its name for people."""

TIMES: Mapping[str, timedelta] = {"day": timedelta(days=1), "hour": timedelta(hours=1)}
"""Those of GROUPS that are pieces of time."""

HOURS_OF = timedelta(days=3)
"""The longest window that is told by the hour: a longer one has too many, and is told by the day."""

_FILTERS = ("provider", "model", "app", "agent", "tenant", "key_id", "user")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostsAsked:
    """`by` is the first level, `then` the second, if any; both are of GROUPS. `now` is when it was asked.

    `coarse`: hours were asked for of too long a window, and are days.
    """

    chosen: ListFilter
    now: datetime
    by: str = "model"
    then: str | None = None
    key_id: str | None = None
    user: str | None = None
    coarse: bool = False

    @classmethod
    def from_query(cls, query: Mapping[str, str], now: datetime) -> "CostsAsked":
        """From a query string; what is none of ours is not chosen."""
        by, then = query.get("by", ""), query.get("then", "")
        by = by if by in GROUPS else "model"
        asked = cls(
            chosen=ListFilter.from_query(query).summed(),
            now=now,
            by=by,
            then=then if then in GROUPS and then != by else None,
            key_id=query.get("key_id") or None,
            user=query.get("user") or None,
        )
        return asked._by_the_day() if "hour" in asked.keys and asked._is_long else asked

    @property
    def keys(self) -> list[str]:
        """By what the sums are asked for."""
        return [self.by] if self.then is None else [self.by, self.then]

    @property
    def series(self) -> str:
        """What is told apart over time: the first of the levels that is no time itself."""
        return next((key for key in self.keys if key not in TIMES), "model")

    @property
    def wanted(self) -> ExchangeFilter:
        """The calls that are summed."""
        return replace(self.chosen.wanted(self.now), key_id=self.key_id, user=self.user)

    @property
    def narrows(self) -> bool:
        """Whether more than a period was chosen."""
        return self.chosen.narrows or self.key_id is not None or self.user is not None

    def slots(self, first: datetime) -> Slots:
        """The window in pieces for a chart; one without a beginning begins with the `first` call."""
        until = min(self.chosen.until or self.now, self.now)
        return slots_between(self.wanted.since or first, until)

    def query(self, **more: str | None) -> str:
        """The query string that asks for this, or for something else in its place."""
        by = None if self.by == "model" else self.by
        return self.chosen.query(**{"by": by, "then": self.then, "key_id": self.key_id, "user": self.user, **more})

    @property
    def _is_long(self) -> bool:
        since, until = self.wanted.since, min(self.chosen.until or self.now, self.now)
        return since is None or until - since > HOURS_OF

    def _by_the_day(self) -> "CostsAsked":
        by, then = ("day" if key == "hour" else key for key in (self.by, self.then))
        return replace(self, by=by or "day", then=None if then == by else then, coarse=True)

    def within(self, key: str, value: str | None) -> str | None:
        """The query string for one group alone, by what comes next; None for calls that have no such value."""
        if value is None:
            return None
        if key in TIMES:
            since = datetime.fromisoformat(value).replace(tzinfo=UTC)
            window = replace(self.chosen, since=since, until=since + TIMES[key])
            return replace(self, chosen=window, by=self.series, then=None).query()
        after = self.then if key == self.by and self.then is not None else "app" if key == "model" else None
        return self.query(**{key: value, "by": after, "then": None})

    def export_query(self) -> str:
        """The query string that asks the REST API for the same sums, as things stand now."""
        wanted = self.wanted
        moments = {"since": wanted.since, "until": wanted.until}
        values: dict[str, str] = {name: value for name in _FILTERS if (value := getattr(wanted, name))}
        values |= {name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in moments.items() if moment}
        return "?" + urlencode({**values, "by": ",".join(self.keys)}, errors="replace")
