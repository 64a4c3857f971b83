"""Which findings a page shows: from its query string to the query service's words, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from midwatch_core import Action, FindingFilter, Severity, TriageState
from midwatch_web.calls.listfilter import ListFilter

# What the query string says for findings of any triage; without a word they are the open ones.
ANY_STATE = "all"
SEVERITIES = tuple(reversed(Severity))
ACTIONS = tuple(action.name.lower() for action in Action)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsAsked:
    """What the reader chose. `calls` has the window and whose calls; `severity` is the least; `state` None is any."""

    calls: ListFilter = ListFilter()  # noqa: RUF009  # frozen: one value serves all
    severity: Severity | None = None
    category: str | None = None
    rule: str | None = None
    action: str | None = None
    state: TriageState | None = TriageState.OPEN

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "FindingsAsked":
        """From a query string's values; what is none of ours is not chosen."""
        severity, state, action = (query.get(name, "") for name in ("severity", "state", "action"))
        told = TriageState(state) if state in list(TriageState) else TriageState.OPEN
        return cls(
            calls=ListFilter.from_query(query).summed(),
            severity=Severity(severity) if severity in list(Severity) else None,
            category=query.get("category") or None,
            rule=query.get("rule") or None,
            action=action if action in ACTIONS else None,
            state=None if state == ANY_STATE else told,
        )

    @property
    def narrows(self) -> bool:
        """Whether more than a window and a state was chosen."""
        return replace(self, calls=replace(self.calls, period=ListFilter().period), state=TriageState.OPEN) != (
            FindingsAsked()
        )

    def wanted(self, now: datetime) -> FindingFilter:
        """The same for the query service; all but the state."""
        calls = self.calls.wanted(now)
        return FindingFilter(
            since=calls.since,
            until=calls.until,
            tenant=calls.tenant,
            provider=calls.provider,
            model=calls.model,
            app=calls.app,
            agent=calls.agent,
            severity=self.severity,
            category=self.category,
            rule=self.rule,
            action=self.action,
        )

    def window(self, now: datetime) -> FindingFilter:
        """The time alone: what there is to choose from."""
        calls = self.calls.whole_period(now)
        return FindingFilter(since=calls.since, until=calls.until)

    def query(self, **more: str | None) -> str:
        """The query string that gives this again, `?` included; with `more` in place of what was chosen."""
        state = ANY_STATE if self.state is None else self.state.value
        own = {
            "severity": self.severity and self.severity.value,
            "category": self.category,
            "rule": self.rule,
            "action": self.action,
            "state": None if state == TriageState.OPEN else state,
        }
        return self.calls.query(**{**own, **more})

    def export_query(self, now: datetime) -> str:
        """The query string that asks the REST API for the same findings, as things stand now."""
        query = ListFilter(
            since=self.wanted(now).since,
            until=self.calls.until,
            tenant=self.calls.tenant,
            provider=self.calls.provider,
            model=self.calls.model,
            app=self.calls.app,
            agent=self.calls.agent,
        )
        state = None if self.state is None else self.state.value
        return query.query(
            severity=self.severity, category=self.category, rule=self.rule, action=self.action, state=state
        )
