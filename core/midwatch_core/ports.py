"""The ports: what the house asks of a store, whichever engine answers. Contract suites are in `testing`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from midwatch_core.listing import ExchangeRow
from midwatch_core.model.audit import AuditRecord
from midwatch_core.model.exchange import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose exchanges a query may see: some tenants, or with None all (an operator)."""

    tenants: frozenset[str] | None = None

    def allows(self, tenant: str) -> bool:
        """Whether this tenant's data is inside."""
        return self.tenants is None or tenant in self.tenants


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeFilter:
    """Which exchanges: all conditions hold at once; None asks nothing. `since` is inclusive, `until` exclusive."""

    since: datetime | None = None
    until: datetime | None = None
    tenant: str | None = None
    provider: str | None = None
    model: str | None = None
    app: str | None = None
    agent: str | None = None
    trace_id: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows, newest first, and the cursor of the next page; None on the last."""

    rows: tuple[ExchangeRow, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """Sums over the exchanges of one group. `group` has the values of the keys asked for, in their order.

    `cost_usd` sums what is known; `unpriced` counts the calls whose cost is unknown.
    """

    group: tuple[str | None, ...]
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int


# What costs may be grouped by; `day` and `hour` are UTC, as `2026-11-23` and `2026-11-23T01:00`.
COST_KEYS = ("day", "hour", "tenant", "provider", "model", "app", "agent")


class TraceRepository(Protocol):
    """Keeps exchanges. Every method may raise StorageError or StorageUnavailableError, nothing else."""

    async def start(self) -> None:
        """Open, and bring the schema up to date where the profile allows that."""
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

    async def delete_before(self, moment: datetime) -> int:
        """Forget exchanges started before `moment`, and texts nothing refers to any more; how many exchanges went."""
        ...

    async def close(self) -> None:
        """Let go of everything. The repository can't be used afterwards."""
        ...


class MetadataRepository(Protocol):
    """Keeps what is not traffic: settings and the audit log. Raises as TraceRepository does."""

    async def start(self) -> None:
        """Open, and bring the schema up to date where the profile allows that."""
        ...

    async def setting(self, key: str) -> str | None:
        """The value kept under `key`."""
        ...

    async def keep_setting(self, key: str, value: str) -> None:
        """Keep `value` under `key`, replacing what was there."""
        ...

    async def append_audit(self, record: AuditRecord) -> None:
        """Add to the audit log."""
        ...

    async def audit(self, *, limit: int) -> Sequence[AuditRecord]:
        """The newest records, newest first."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
