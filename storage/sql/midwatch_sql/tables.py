"""The tables as SQLAlchemy knows them: what migrations are checked against. Imported only where a schema is at work."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.types import TypeEngine

from midwatch_sql.columns import (
    API_KEYS,
    AUDIT_ENTRIES,
    CONVERSATIONS,
    COST_DAYS,
    COST_GROUPS,
    COST_HOURS,
    EXCHANGES,
    FINDING_DAYS,
    FINDINGS,
    FINE_COST,
    IN_SESSION,
    INCIDENTS,
    PIECES,
    POLICIES,
    REPORTS,
    SETTINGS,
    SIGHTINGS,
    TENANTS,
    TRIAGE,
    ColumnSpec,
    Kind,
)

# A whole number is the place of its row in SQLite's file only where its type is INTEGER to the letter.
_NUMBER_KEY = BigInteger().with_variant(Integer(), "sqlite")
# What a filter or a count can ask of a finding is in one index, newest first.
FINDING_ASKED = (
    "started_at",
    "exchange_id",
    "place",
    "severity",
    "category",
    "rule",
    "tenant",
    "plugin",
    "action",
    "provider",
    "model",
    "app",
    "agent",
)
_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.TEXT: Text(),
    Kind.INTEGER: BigInteger(),
    Kind.REAL: Float(53),
    Kind.FLAG: Boolean(),
    Kind.MOMENT: BigInteger(),
    Kind.BYTES: LargeBinary(),
}


def _columns(specs: tuple[ColumnSpec, ...]) -> list[Column[Any]]:
    return [
        Column(
            spec.name,
            _NUMBER_KEY if spec.key and spec.kind is Kind.INTEGER else _TYPES[spec.kind],
            primary_key=spec.key,
            autoincrement=False,
            nullable=spec.nullable,
        )
        for spec in specs
    ]


traces = MetaData()
exchanges = Table("exchanges", traces, *_columns(EXCHANGES))
Index("exchanges_by_start", exchanges.c.started_at, exchanges.c.id, exchanges.c.group_id)
Index("exchanges_by_group", exchanges.c.group_id, exchanges.c.started_at, exchanges.c.id)
Index("exchanges_by_trace", exchanges.c.trace_id, exchanges.c.started_at)
Index("exchanges_by_session", exchanges.c.session, exchanges.c.started_at, sqlite_where=text(IN_SESSION))
Index("exchanges_of_fine_cost", exchanges.c.started_at, sqlite_where=text(FINE_COST))
pieces = Table("pieces", traces, *_columns(PIECES))
cost_groups = Table("cost_groups", traces, *_columns(COST_GROUPS))
Index(
    "cost_groups_by_value", *(cost_groups.c[name] for name in ("user", "client", "key_id", "agent", "tenant", "model"))
)
Index("cost_groups_by_key", cost_groups.c.key_id)
Index("cost_groups_by_client", cost_groups.c.client)
cost_hours = Table("cost_hours", traces, *_columns(COST_HOURS), sqlite_with_rowid=False)
cost_days = Table("cost_days", traces, *_columns(COST_DAYS), sqlite_with_rowid=False)
conversations = Table("conversations", traces, *_columns(CONVERSATIONS), sqlite_with_rowid=False)
Index("conversations_by_end", *(conversations.c[name] for name in ("last_at", "last_id", "first_at")))
Index("conversations_by_group", *(conversations.c[name] for name in ("group_id", "last_at", "last_id", "first_at")))
findings = Table("findings", traces, *_columns(FINDINGS), sqlite_with_rowid=False)
Index("findings_by_start", *(findings.c[name] for name in FINDING_ASKED))
Index("findings_by_id", findings.c.id)
finding_days = Table("finding_days", traces, *_columns(FINDING_DAYS), sqlite_with_rowid=False)

metadata = MetaData()
settings = Table("settings", metadata, *_columns(SETTINGS))
tenants = Table("tenants", metadata, *_columns(TENANTS))
api_keys = Table("api_keys", metadata, *_columns(API_KEYS))
policies = Table("policies", metadata, *_columns(POLICIES))
reports = Table("reports", metadata, *_columns(REPORTS))
Index("reports_by_creation", reports.c.created_at)
Index("reports_by_tenant", reports.c.tenant, reports.c.created_at)
triage = Table("triage", metadata, *_columns(TRIAGE))
Index("triage_by_moment", triage.c.at)
Index("triage_by_tenant", triage.c.tenant, triage.c.at)
incidents = Table("incidents", metadata, *_columns(INCIDENTS))
Index("incidents_by_beginning", incidents.c.began_at, incidents.c.id)
Index("incidents_by_end", incidents.c.resolved_at, incidents.c.began_at, incidents.c.id)
Index("incidents_by_tenant", incidents.c.tenant, incidents.c.began_at, incidents.c.id)
Index("incidents_by_fingerprint", incidents.c.fingerprint, incidents.c.began_at, incidents.c.id)
audit_entries = Table("audit_entries", metadata, *_columns(AUDIT_ENTRIES))
Index("audit_entries_by_tenant", audit_entries.c.tenant, audit_entries.c.number)
sightings = Table("sightings", metadata, *_columns(SIGHTINGS))
Index("sightings_by_end", sightings.c.last_at)
Index("sightings_by_tenant", sightings.c.tenant, sightings.c.last_at)
