"""The port of traces: what the house asks of a store of exchanges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from midwatch_core.activity import ActivityRow
from midwatch_core.conversation_listing import ConversationPage
from midwatch_core.finding_listing import FindingCount, FindingFilter, FindingPage
from midwatch_core.listing import ExchangeRow
from midwatch_core.model.exchange import Exchange
from midwatch_core.ports.migrations import Migrations
from midwatch_core.ports.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeFilter:
    """Which exchanges: all conditions hold at once; None asks nothing. `since` is inclusive, `until` exclusive.

    `text` is a piece of any text of the exchange, found whatever its case (ASCII at least).
    """

    since: datetime | None = None
    until: datetime | None = None
    tenant: str | None = None
    provider: str | None = None
    model: str | None = None
    app: str | None = None
    agent: str | None = None
    trace_id: str | None = None
    status: int | None = None
    key_id: str | None = None
    user: str | None = None
    client: str | None = None
    session: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows, newest first, and the cursor of the next page; None on the last.

    A search in texts may end a page early, even empty, where it has looked at enough for one call: its cursor goes on.
    """

    rows: tuple[ExchangeRow, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """Sums over the exchanges of one group. `group` has the values of the keys asked for, in their order.

    `cost_usd` sums what is known; `unpriced` counts the calls whose cost is unknown. `api_equivalent_usd` is what the
    API would charge for calls that a subscription paid for: a repository leaves it at zero and has that in `cost_usd`,
    the query service takes it out of there.
    """

    group: tuple[str | None, ...]
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int
    api_equivalent_usd: Decimal = Decimal(0)


# What costs may be grouped by; `day` and `hour` are UTC, as `2026-11-23` and `2026-11-23T01:00`. By `cost_basis`,
# what is billed and what a subscription paid for stay apart; it is None for billed calls without a price, and for
# calls that were kept before there was a basis.
COST_KEYS = ("day", "hour", "tenant", "provider", "model", "app", "agent", "key_id", "user", "cost_basis")


class TraceRepository(Protocol):
    """Keeps exchanges. Every method may raise StorageError or StorageUnavailableError, nothing else."""

    @property
    def migrations(self) -> Migrations | None:
        """The schema's migrations; None where there is no schema."""
        ...

    async def start(self, *, migrate: bool = True) -> None:
        """Open. A schema that is not current is brought up to date, or with `migrate` False is a SchemaError."""
        ...

    async def put(self, exchanges: Sequence[Exchange]) -> None:
        """Keep a batch, whole or not at all. An exchange whose id is there already is left as it is."""
        ...

    async def list(self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None) -> Page:
        """A page of rows, newest first. A cursor that is none of ours raises StorageError."""
        ...

    async def get(self, scope: Scope, exchange_id: str) -> Exchange | None:
        """One exchange with all its texts; None where there is none in scope."""
        ...

    async def costs(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[CostRow]:
        """Sums grouped by some of COST_KEYS, highest cost first. An unknown key raises StorageError."""
        ...

    async def activity(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[ActivityRow]:
        """Counts grouped by some of COST_KEYS, most calls first. An unknown key raises StorageError.

        `wanted.text` asks nothing here.
        """
        ...

    async def conversations(
        self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None
    ) -> ConversationPage:
        """A page of traces that have an exchange which is wanted, newest first. `wanted.text` raises StorageError."""
        ...

    async def findings(
        self, scope: Scope, wanted: FindingFilter, *, limit: int, cursor: str | None = None
    ) -> FindingPage:
        """A page of findings, those of the newest exchanges first. A cursor that is none of ours: StorageError."""
        ...

    async def finding_counts(self, scope: Scope, wanted: FindingFilter, *, by: Sequence[str]) -> Sequence[FindingCount]:
        """Findings counted by some of FINDING_KEYS, most first. An unknown key raises StorageError."""
        ...

    async def delete(self, scope: Scope, wanted: ExchangeFilter) -> int:
        """Forget these exchanges, and texts nothing refers to any more; how many exchanges went."""
        ...

    async def close(self) -> None:
        """Let go of everything. The repository can't be used afterwards."""
        ...
