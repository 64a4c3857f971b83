"""The query service: the one way faces read what is kept, and have it forgotten, always inside a tenant scope."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from midwatch_core.activity import ActivityRow
from midwatch_core.conversation_listing import ConversationPage
from midwatch_core.cost_rows import BASIS, apart
from midwatch_core.errors import StorageError
from midwatch_core.finding_listing import FindingCount, FindingFilter, FindingPage, FindingRow
from midwatch_core.model.content import Json
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.triage import TriageState
from midwatch_core.ports import CostRow, ExchangeFilter, MetadataRepository, Page, Scope, TraceRepository
from midwatch_core.sighting_rows import sighting_row
from midwatch_core.threads.outline import Outline, lines_of

MAX_PAGE = 1000
# Lines of the inventory that are looked at for one answer.
MAX_SIGHTINGS = 10_000
# Pages that are looked at for findings of one state before a page ends early.
_LOOKS = 5


def _untitled(_: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Questions of one scope. `within` gives the same service narrowed to a caller's tenants.

    `metadata` has the inventory; `titles` gives a host's service as people call it.
    """

    traces: TraceRepository
    metadata: MetadataRepository | None = None
    titles: Callable[[str], str | None] = _untitled
    scope: Scope = Scope()  # noqa: RUF009  # frozen: one value serves all

    def within(self, scope: Scope) -> "Queries":
        """This service for another scope, never wider than this one."""
        if self.scope.tenants is not None:
            tenants = self.scope.tenants if scope.tenants is None else scope.tenants & self.scope.tenants
            scope = Scope(tenants=tenants)
        return replace(self, scope=scope)

    async def exchanges(self, wanted: ExchangeFilter, *, limit: int = 100, cursor: str | None = None) -> Page:
        """A page of rows, newest first; `limit` is held between 1 and MAX_PAGE."""
        return await self.traces.list(self.scope, wanted, limit=max(1, min(limit, MAX_PAGE)), cursor=cursor)

    async def exchange(self, exchange_id: str) -> Exchange | None:
        """One exchange in full, or None where there is none in scope."""
        return await self.traces.get(self.scope, exchange_id)

    async def outline(self, trace_id: str, *, limit: int = 500) -> Outline:
        """A trace in the order of its talk, with the tools that ran; its newest exchanges where there are more."""
        page = await self.exchanges(ExchangeFilter(trace_id=trace_id), limit=limit)
        return Outline(trace_id=trace_id, lines=lines_of(page.rows), cut=page.cursor is not None)

    async def costs(self, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[CostRow]:
        """Sums by some of `ports.COST_KEYS`; what subscriptions paid for is apart, in `api_equivalent_usd`."""
        asked = by if BASIS in by else [*by, BASIS]
        rows = await self.traces.costs(self.scope, wanted, by=asked)
        return apart(rows, basis_at=asked.index(BASIS), width=len(by))

    async def activity(self, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[ActivityRow]:
        """How calls went, counted by some of `ports.COST_KEYS`."""
        return await self.traces.activity(self.scope, wanted, by=by)

    async def conversations(
        self, wanted: ExchangeFilter, *, limit: int = 100, cursor: str | None = None
    ) -> ConversationPage:
        """A page of traces, newest first; `limit` is held between 1 and MAX_PAGE."""
        return await self.traces.conversations(self.scope, wanted, limit=max(1, min(limit, MAX_PAGE)), cursor=cursor)

    async def findings(
        self,
        wanted: FindingFilter,
        *,
        state: TriageState | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> FindingPage:
        """A page of findings with their triage, of one `state` or of all; `limit` is held between 1 and MAX_PAGE.

        Where few have the state, a page may end early, even empty: its cursor goes on.
        """
        limit = max(1, min(limit, MAX_PAGE))
        found: list[FindingRow] = []
        for _ in range(_LOOKS):
            page = await self.traces.findings(self.scope, wanted, limit=limit - len(found), cursor=cursor)
            rows = await self._judged(page.rows)
            found += [row for row in rows if state is None or row.state == state]
            cursor = page.cursor
            if cursor is None or len(found) >= limit:
                break
        return FindingPage(rows=tuple(found), cursor=cursor)

    async def finding(self, finding_id: str) -> FindingRow | None:
        """One finding with its triage; None where there is none in scope."""
        page = await self.findings(FindingFilter(id=finding_id), limit=1)
        return page.rows[0] if page.rows else None

    async def finding_counts(self, wanted: FindingFilter, *, by: Sequence[str]) -> Sequence[FindingCount]:
        """Findings counted by some of `finding_listing.FINDING_KEYS`, whatever their triage."""
        return await self.traces.finding_counts(self.scope, wanted, by=by)

    async def _judged(self, rows: Sequence[FindingRow]) -> Sequence[FindingRow]:
        """The rows with what people made of them."""
        if self.metadata is None or not rows:
            return rows
        judged = await self.metadata.triage(self.scope, [row.id for row in rows])
        states = {item.finding_id: item.state.value for item in judged}
        return [replace(row, state=states[row.id]) if row.id in states else row for row in rows]

    async def hosts(
        self,
        *,
        since: datetime | None = None,
        known: bool | None = None,
        client: str | None = None,
        limit: int = MAX_PAGE,
    ) -> list[dict[str, Json]]:
        """Rows of the inventory, the last seen first: see `sighting_row`, and `title`. `known` False is shadow AI."""
        if self.metadata is None:
            raise StorageError("there is no inventory here")
        found = await self.metadata.sightings(self.scope, since=since, limit=MAX_SIGHTINGS)
        wanted = [item for item in found if known in (None, item.known) and client in (None, item.client)]
        return [{**sighting_row(item), "title": self.titles(item.host)} for item in wanted[: max(1, limit)]]

    async def delete(self, wanted: ExchangeFilter) -> int:
        """Forget what is wanted, with its texts; how many exchanges went. Who may do that is the caller's to ask."""
        return await self.traces.delete(self.scope, wanted)
