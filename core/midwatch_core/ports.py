"""The ports: what the house asks of a store, whichever engine answers. Contract suites are in `testing`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable

from midwatch_core.activity import ActivityRow
from midwatch_core.conversation_listing import ConversationPage
from midwatch_core.finding_listing import FindingCount, FindingFilter, FindingPage
from midwatch_core.incident_listing import IncidentFilter, IncidentPage
from midwatch_core.listing import ExchangeRow
from midwatch_core.metering import Admission, Demand
from midwatch_core.model.apikey import ApiKey
from midwatch_core.model.audit import AuditEntry, AuditRecord
from midwatch_core.model.document import PolicyVersion, Report
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.incident import Incident
from midwatch_core.model.sighting import Sighting
from midwatch_core.model.tenant import Tenant
from midwatch_core.model.triage import Triage


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose exchanges a query may see: some tenants, or with None all (an operator)."""

    tenants: frozenset[str] | None = None

    def allows(self, tenant: str) -> bool:
        """Whether this tenant's data is inside."""
        return self.tenants is None or tenant in self.tenants


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """How a repository's schema stands. `current` None: nothing is there. `problem` says why it can't be migrated.

    `pending` are the revisions between `current` and `head`, oldest first.
    """

    current: str | None
    head: str
    pending: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def is_current(self) -> bool:
        """Whether it can be used as it is."""
        return self.current == self.head and self.problem is None


class Migrations(Protocol):
    """The schema of a repository, before that is started. Safe where several processes do the same at once."""

    async def state(self) -> SchemaState:
        """How it stands; a newer schema than this version knows, or half a migration, is a `problem`."""
        ...

    async def up(self) -> tuple[str, ...]:
        """Apply what is pending; the revisions applied. Raises StorageError."""
        ...

    async def down(self, revision: str | None) -> tuple[str, ...]:
        """Go back to `revision`, or with None to nothing; the revisions undone. Raises StorageError."""
        ...


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


class MetadataRepository(Protocol):
    """Keeps what is not traffic. Raises as TraceRepository does."""

    @property
    def migrations(self) -> Migrations | None:
        """As TraceRepository's."""
        ...

    async def start(self, *, migrate: bool = True) -> None:
        """As TraceRepository's."""
        ...

    async def setting(self, key: str) -> str | None:
        """The value kept under `key`."""
        ...

    async def keep_setting(self, key: str, value: str) -> None:
        """Keep `value` under `key`, replacing what was there."""
        ...

    async def tenants(self) -> Sequence[Tenant]:
        """All tenants, by name."""
        ...

    async def keep_tenant(self, tenant: Tenant) -> None:
        """Keep a tenant, replacing the one of its name. `configured` ones are not kept: StorageError."""
        ...

    async def delete_tenant(self, name: str) -> bool:
        """Forget a tenant; whether it was there. Its keys are the caller's to revoke."""
        ...

    async def keys(self) -> Sequence[ApiKey]:
        """All keys, also revoked and expired ones, oldest first."""
        ...

    async def keep_key(self, key: ApiKey) -> None:
        """Keep a key, replacing the one of its id."""
        ...

    async def policy_versions(self, name: str, *, limit: int) -> Sequence[PolicyVersion]:
        """The versions of a policy, newest first."""
        ...

    async def keep_policy(self, name: str, text: str, *, author: str, at: datetime) -> PolicyVersion:
        """Keep a further version of a policy; its number is the next. Two at once get two numbers."""
        ...

    async def keep_report(self, report: Report) -> None:
        """Keep a report, replacing the one of its id."""
        ...

    async def report(self, scope: Scope, report_id: str) -> Report | None:
        """One report; the installation's own (no tenant) only in a scope of all."""
        ...

    async def reports(self, scope: Scope, *, limit: int) -> Sequence[Report]:
        """The newest reports in scope, newest first, with empty bodies."""
        ...

    async def keep_triage(self, triage: Triage) -> None:
        """Keep a judgement, replacing the one on the same finding."""
        ...

    async def triage(self, scope: Scope, finding_ids: Sequence[str]) -> Sequence[Triage]:
        """The judgements in scope on these findings; those nobody judged are left out. At most MOST_JUDGED ids."""
        ...

    async def forget_triage(self, *, before: datetime | None = None, tenant: str | None = None) -> int:
        """Forget judgements made before a moment, and a tenant's; how many went. None asks nothing."""
        ...

    async def sight(self, sightings: Sequence[Sighting]) -> None:
        """Add to the inventory: counts of sightings that are alike add up, first and last moments widen.

        Alike are those with the same host, tenant, seen, client, app, user_agent, process and container; `provider`
        and `known` are the newest's.
        """
        ...

    async def sightings(self, scope: Scope, *, since: datetime | None = None, limit: int) -> Sequence[Sighting]:
        """Sightings in scope whose last moment is not before `since`, newest last moment first."""
        ...

    async def forget_sightings(
        self, *, before: datetime | None = None, tenant: str | None = None, client: str | None = None
    ) -> int:
        """Forget those whose last moment is earlier than `before`, of this tenant and client; how many went.

        All conditions hold at once; None asks nothing, and without any all are forgotten.
        """
        ...

    async def keep_incident(self, incident: Incident) -> Incident:
        """Keep an incident, replacing the one of its id; how it stands now.

        What one process knows, another may not yet: the two are merged (`merge_incidents`), whoever comes first.
        `acknowledged_at`, `acknowledged_by` and `resolved_at`, once kept, stay as they are; `severity`, `count` and
        `last_at` never fall.
        """
        ...

    async def incident(self, scope: Scope, incident_id: str) -> Incident | None:
        """One incident; the installation's own (no tenant) only in a scope of all."""
        ...

    async def incidents(
        self, scope: Scope, wanted: IncidentFilter, *, limit: int, cursor: str | None = None
    ) -> IncidentPage:
        """A page of incidents in scope, the last begun first. A cursor that is none of ours raises StorageError."""
        ...

    async def forget_incidents(self, *, before: datetime | None = None, tenant: str | None = None) -> int:
        """Forget incidents that ended before a moment, and of a tenant's all, open ones too; how many went.

        Both conditions hold at once where both are given, of incidents that ended; None asks nothing, and without any
        nothing is forgotten.
        """
        ...

    async def append_audit(self, record: AuditRecord) -> AuditEntry:
        """Add to the audit log, chained to the entry before (`audit_chain.chained`); two at once take turns."""
        ...

    async def audit(self, scope: Scope, *, limit: int, before: int | None = None) -> Sequence[AuditEntry]:
        """Entries in scope numbered below `before`, newest first. Those of no tenant: only in a scope of all."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class CacheLayer(Protocol):
    """Short-lived state that workers and nodes share: values, leases, and the counters of limits and budgets.

    Keys are any text, values any bytes. `memory://` is one process's own. Raises as TraceRepository does. Every
    method is one round trip, and what it does is atomic.
    """

    async def start(self) -> None:
        """Connect."""
        ...

    async def get(self, key: str) -> bytes | None:
        """The value under `key`, None where there is none or its time is over."""
        ...

    async def set(self, key: str, value: bytes, *, ttl_s: float | None = None) -> None:
        """Keep a value, for `ttl_s` seconds or for good."""
        ...

    async def ttl(self, key: str) -> float | None:
        """The seconds a value has left; infinity for one kept for good, None for none."""
        ...

    async def invalidate(self, *keys: str) -> int:
        """Forget values; how many were there."""
        ...

    async def lease(self, name: str, holder: str, ttl_s: float) -> bool:
        """Take the lease, or renew it where `holder` has it; False where somebody else has it."""
        ...

    async def release(self, name: str, holder: str) -> None:
        """Let the lease go, where `holder` has it."""
        ...

    async def admit(self, ticket: str, demands: Sequence[Demand], *, hold_s: float) -> Admission:
        """Take all demands, or none; what is taken is noted under `ticket` for `hold_s` seconds.

        A further call with the same ticket adds to it. A ticket not settled in time: windows and allowances keep what
        it took as used, concurrency lets go.
        """
        ...

    async def settle(self, ticket: str, actual: Mapping[str, int]) -> bool:
        """The call is over: its counters stand at what was used, by name; those not named keep what was taken.

        Concurrency lets go, named or not; buckets keep. False where the ticket is not there (any more): then nothing
        happens, so that settling twice counts once.
        """
        ...

    async def add(self, key: str, amounts: Mapping[str, float], *, ttl_s: float) -> None:
        """Add to sums under `key`, by name; those not there begin at nothing. All go `ttl_s` after the last.

        Amounts from -10^15 to 10^15. More than 10,000 at once may be several round trips, each of them whole.
        """
        ...

    async def sums(self, key: str) -> Mapping[str, float]:
        """The sums under `key`; none where there are none, or their time is over."""
        ...

    async def seed(self, name: str, amount: int, *, ends_s: float) -> None:
        """Begin the counter of an allowance with what was spent before it; nothing where it is there already."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


@runtime_checkable
class ImmediateMeters(Protocol):
    """The counters of a cache that is in this process: no call need wait for them."""

    def admit_now(self, ticket: str, demands: Sequence[Demand], *, hold_s: float) -> Admission:
        """As CacheLayer.admit."""
        ...

    def settle_now(self, ticket: str, actual: Mapping[str, int]) -> bool:
        """As CacheLayer.settle."""
        ...
