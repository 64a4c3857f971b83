"""Tenants, keys, policies and reports; the audit log chained (see `audit_chain`) and counted without gaps."""

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from midwatch_core import AuditEntry, AuditRecord, chained, microseconds, moment_of
from midwatch_sql.plain_text import from_plain, to_plain

revision = "metadata_0002"
down_revision = "metadata_0001"
branch_labels = None
depends_on = None

_BATCH = 500
# Names in the order of their code points, as SQLite has them.
_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NUMBERS = ("number", "at")
_TEXTS = ("actor", "action", "subject", "details")


def _table(name: str, *texts: str) -> sa.TableClause:
    numbers = (sa.column(name, sa.BigInteger()) for name in _NUMBERS)
    return sa.table(name, *numbers, *(sa.column(name, sa.Text()) for name in (*_TEXTS, *texts)))


_RECORDS = _table("audit")
_ENTRIES = _table("audit_entries", "previous", "digest")


def upgrade() -> None:
    """Make the tables; the records of the audit log become entries of the chained one."""
    _make_registers()
    _make_documents()
    op.create_table(
        "audit_entries",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
        *_record_columns(),
        sa.Column("tenant", sa.Text()),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
    )
    op.create_index("audit_entries_by_tenant", "audit_entries", ["tenant", "number"])
    _chain_records()
    op.drop_table("audit")


def downgrade() -> None:
    """Back to the plain audit log, without tenants and digests; settings stay, the other tables go."""
    op.create_table("audit", sa.Column("number", _NUMBER, primary_key=True), *_record_columns())
    op.execute(
        "INSERT INTO audit (number, at, actor, action, subject, details) "
        "SELECT number, at, actor, action, subject, details FROM audit_entries"
    )
    for table in ("audit_entries", "reports", "policies", "api_keys", "tenants"):
        op.drop_table(table)


def _record_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
    ]


def _make_registers() -> None:
    op.create_table(
        "tenants",
        sa.Column("name", _NAME, primary_key=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("networks", sa.Text(), nullable=False),
        sa.Column("provider_keys", sa.Text(), nullable=False),
        sa.Column("certificates", sa.Text(), nullable=False),
        sa.Column("retention_days", sa.Float(53)),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", _NAME, primary_key=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text()),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
    )


def _make_documents() -> None:
    op.create_table(
        "policies",
        sa.Column("name", _NAME, primary_key=True),
        sa.Column("version", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "reports",
        sa.Column("id", _NAME, primary_key=True),
        sa.Column("tenant", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_index("reports_by_creation", "reports", ["created_at"])
    op.create_index("reports_by_tenant", "reports", ["tenant", "created_at"])


def _chain_records() -> None:
    """Entries have no gaps, whatever numbers the records had; their order stays."""
    last: AuditEntry | None = None
    for records in _records():
        rows = []
        for record in records:
            last = chained(record, last)
            rows.append(_row(last))
        op.get_bind().execute(_ENTRIES.insert(), rows)


def _records() -> Iterator[list[AuditRecord]]:
    number = -(2**63)
    while True:
        chosen = sa.select(_RECORDS).where(_RECORDS.c.number > number).order_by(_RECORDS.c.number).limit(_BATCH)
        rows = op.get_bind().execute(chosen).all()
        if not rows:
            return
        number = rows[-1].number
        yield [_record(row) for row in rows]


def _record(row: Any) -> AuditRecord:
    return AuditRecord(
        at=moment_of(row.at),
        actor=_text(row.actor),
        action=_text(row.action),
        subject=_text(row.subject),
        details=orjson.loads(row.details),
    )


def _row(entry: AuditEntry) -> dict[str, Any]:
    record = entry.record
    return {
        "number": entry.number,
        "at": microseconds(record.at),
        "actor": _form(record.actor),
        "action": _form(record.action),
        "subject": _form(record.subject),
        "details": orjson.dumps(dict(record.details)).decode(),
        "previous": entry.previous,
        "digest": entry.digest,
    }


def _text(form: str) -> str:
    return from_plain(form) if op.get_bind().dialect.name == "postgresql" else form


def _form(text: str) -> str:
    return to_plain(text) if op.get_bind().dialect.name == "postgresql" else text
