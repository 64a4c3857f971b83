"""The query service: the one way faces read what is kept, and have it forgotten, always inside a tenant scope."""

from collections.abc import Sequence
from dataclasses import dataclass

from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import CostRow, ExchangeFilter, Page, Scope, TraceRepository

MAX_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Questions of one scope. `within` gives the same service narrowed to a caller's tenants."""

    traces: TraceRepository
    scope: Scope = Scope()  # noqa: RUF009  # frozen: one value serves all

    def within(self, scope: Scope) -> "Queries":
        """This service for another scope, never wider than this one."""
        if self.scope.tenants is not None:
            tenants = self.scope.tenants if scope.tenants is None else scope.tenants & self.scope.tenants
            scope = Scope(tenants=tenants)
        return Queries(traces=self.traces, scope=scope)

    async def exchanges(self, wanted: ExchangeFilter, *, limit: int = 100, cursor: str | None = None) -> Page:
        """A page of rows, newest first; `limit` is held between 1 and MAX_PAGE."""
        return await self.traces.list(self.scope, wanted, limit=max(1, min(limit, MAX_PAGE)), cursor=cursor)

    async def exchange(self, exchange_id: str) -> Exchange | None:
        """One exchange in full, or None where there is none in scope."""
        return await self.traces.get(self.scope, exchange_id)

    async def costs(self, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[CostRow]:
        """Sums by some of `ports.COST_KEYS`."""
        return await self.traces.costs(self.scope, wanted, by=by)

    async def delete(self, wanted: ExchangeFilter) -> int:
        """Forget what is wanted, with its texts; how many exchanges went. Who may do that is the caller's to ask."""
        return await self.traces.delete(self.scope, wanted)
