"""What people look at: findings and conversations in tables of their own, and how calls went beside what they cost."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from midwatch_core import load_json
from midwatch_sql.compression import unpack_detail

revision = "traces_0004"
down_revision = "traces_0003"
branch_labels = None
depends_on = None

# All of this as the revision knew it.
_DIMENSIONS = ("tenant", "provider", "model", "app", "agent", "key_id", "user", "client", "status", "cost_basis")
_LEVELS = (
    ("tenant", "cost_basis"),
    ("provider", "model", "cost_basis"),
    ("app", "agent", "cost_basis"),
    _DIMENSIONS,
)
_BOUNDS_MS = (50.0, 100.0, 200.0, 300.0, 500.0, 750.0, 1000.0, 1500.0, 2500.0, 5000.0, 10000.0, 30000.0)
_CLASSES = (
    f"ttft_ms <= {_BOUNDS_MS[0]}",
    *(f"ttft_ms > {low} AND ttft_ms <= {high}" for low, high in pairwise(_BOUNDS_MS)),
    f"ttft_ms > {_BOUNDS_MS[-1]}",
)
_COUNTS = {
    "errors": "failed",
    "refused": "action IN ('cut', 'block')",
    "flagged": "findings != '[]'",
    **{f"t{number}": what for number, what in enumerate(_CLASSES)},
}
_SUMS = ("calls", "input_tokens", "output_tokens", "cost_micro", "cost_rest", "unpriced", "errors", "flagged")
_SEVERITIES = ("info", "low", "medium", "high", "critical")
_ACTIONS = ("allow", "flag", "redact", "cut", "block")
# What an older detail may lack.
_ABSENT = {
    **dict.fromkeys(("part", "path", "start", "end", "evidence")),
    "owasp": (),
    "plugin": "",
    "direction": "request",
}
_FINDING = (
    "id",
    "rule",
    "category",
    "plugin",
    "confidence",
    "part",
    "start",
    "end",
    "direction",
    "path",
    "message",
    "evidence",
)
_OF_EXCHANGE = ("tenant", "provider", "model", "app", "agent", "trace_id")
_ASKED = (
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
_ALIKE = ("tenant", "rule", "category", "severity", "plugin", "action")
_HOUR_US = 3_600_000_000
_ROWS = 500


def upgrade() -> None:
    """Add the columns and tables, and fill them from the exchanges there are.

    Only an exchange's columns say whether it failed: an answer's own error without a word or a type is not known.
    """
    run = op.get_bind().exec_driver_sql
    op.add_column("exchanges", sa.Column("failed", sa.Boolean(), nullable=False, server_default="0"))
    run(
        "UPDATE exchanges SET failed = 1 WHERE action NOT IN ('cut', 'block')"
        " AND (error IS NOT NULL OR status IS NULL OR status >= 400)"
    )
    _count_activity(op.get_bind())
    _make_conversations(op.get_bind())
    _make_findings(op.get_bind())


def _number_key(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def _count_activity(connection: sa.Connection) -> None:
    """The finest groups from the exchanges, the coarser from those."""
    run = connection.exec_driver_sql
    counts = ", ".join(f"count(*) FILTER (WHERE {what})" for what in _COUNTS.values())
    sums = ", ".join(f"sum({name})" for name in _COUNTS)
    run(
        f"CREATE TEMP TABLE counting AS SELECT group_id, (started_at - ((started_at % {_HOUR_US}) + {_HOUR_US})"  # noqa: S608  # names of ours
        f" % {_HOUR_US}) / {_HOUR_US} AS hour, {', '.join(f'0 AS {name}' for name in _COUNTS)} FROM exchanges LIMIT 0"
    )
    run("CREATE UNIQUE INDEX temp.counting_place ON counting (group_id, hour)")
    run(
        f"INSERT INTO counting SELECT group_id, (started_at - ((started_at % {_HOUR_US}) + {_HOUR_US}) % {_HOUR_US})"  # noqa: S608  # as above
        f" / {_HOUR_US}, {counts} FROM exchanges GROUP BY 1, 2"
    )
    finest = len(_LEVELS) - 1
    for level in range(finest):
        run(
            f"INSERT INTO counting SELECT cost_groups.id, hour, {sums} FROM cost_groups fine"  # noqa: S608  # as above
            f" JOIN counting ON group_id = fine.id CROSS JOIN cost_groups ON {_same(level)}"
            f" WHERE fine.level = {finest} GROUP BY 1, 2"
        )
    for period, number in (("hour", "hour"), ("day", "(hour - ((hour % 24) + 24) % 24) / 24")):
        for name in _COUNTS:
            op.add_column(f"cost_{period}s", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
        run(
            f"UPDATE cost_{period}s SET {', '.join(f'{name} = new.{name}' for name in _COUNTS)} FROM"  # noqa: S608  # as above
            f" (SELECT group_id, {number} AS number, {', '.join(f'sum({name}) AS {name}' for name in _COUNTS)}"
            f" FROM counting GROUP BY 1, 2) new WHERE new.group_id = cost_{period}s.group_id AND number = {period}"
        )
    run("DROP TABLE counting")


def _same(level: int) -> str:
    """A group of this level has the values of a fine one."""
    told = (
        f"cost_groups.{name} IS fine.{name}" if name in _LEVELS[level] else f"cost_groups.{name} IS NULL"
        for name in _DIMENSIONS
    )
    return " AND ".join([*told, f"cost_groups.level = {level}"])


def _make_conversations(connection: sa.Connection) -> None:
    op.create_table(
        "conversations",
        sa.Column("trace_id", sa.Text(), primary_key=True),
        _number_key("group_id"),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _SUMS),
        sqlite_with_rowid=False,
    )
    connection.exec_driver_sql(
        f"INSERT INTO conversations (trace_id, group_id, first_at, last_at, last_id, {', '.join(_SUMS)})"  # noqa: S608  # as above
        " SELECT trace_id, group_id, min(started_at), max(started_at), '', count(*),"
        " coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(cost_pico / 1000000), 0),"
        " coalesce(sum(cost_pico % 1000000), 0), count(*) - count(cost_usd), sum(failed), sum(findings != '[]')"
        " FROM exchanges GROUP BY 1, 2"
    )
    connection.exec_driver_sql(
        "UPDATE conversations SET last_id = (SELECT max(id) FROM exchanges INDEXED BY exchanges_by_trace"
        " WHERE exchanges.trace_id = conversations.trace_id AND started_at = last_at"
        " AND exchanges.group_id = conversations.group_id)"
    )
    op.create_index("conversations_by_end", "conversations", ["last_at", "last_id", "first_at"])
    op.create_index("conversations_by_group", "conversations", ["group_id", "last_at", "last_id", "first_at"])


def _make_findings(connection: sa.Connection) -> None:
    op.create_table(
        "findings",
        sa.Column("exchange_id", sa.Text(), primary_key=True),
        _number_key("place"),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "tenant", "rule", "category")),
        sa.Column("severity", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("plugin", "action", "provider")),
        *(sa.Column(name, sa.Text()) for name in ("model", "app", "agent")),
        sa.Column("owasp", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(53), nullable=False),
        sa.Column("part", sa.Text()),
        sa.Column("start", sa.BigInteger()),
        sa.Column("end", sa.BigInteger()),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("path", sa.Text()),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text()),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "finding_days",
        _number_key("day"),
        *(_number_key(name) if name == "severity" else sa.Column(name, sa.Text(), primary_key=True) for name in _ALIKE),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    for rows in _chunks(connection):
        _keep(connection, [finding for row in rows for finding in _findings(row)])
    op.create_index("findings_by_start", "findings", list(_ASKED))
    op.create_index("findings_by_id", "findings", ["id"])


def _chunks(connection: sa.Connection) -> Iterator[Any]:
    """Exchanges that have findings, some at a time."""
    columns = ", ".join(_OF_EXCHANGE)
    query = sa.text(
        f"SELECT rowid AS place, id, started_at, action, {columns}, detail FROM exchanges"  # noqa: S608  # as above
        " WHERE findings != '[]' AND rowid > :last ORDER BY rowid LIMIT :most"
    )
    last = -1
    while rows := connection.execute(query, {"last": last, "most": _ROWS}).mappings().all():
        yield rows
        last = rows[-1]["place"]


def _findings(row: Any) -> Iterator[dict[str, Any]]:
    """The detail has everything about findings, and the verdicts that say what was done."""
    exchange = load_json(unpack_detail(row["detail"]))["exchange"]
    done = [verdict for verdict in exchange["verdicts"] if not verdict.get("dry_run")]
    for position, found in enumerate(exchange["findings"]):
        finding = _ABSENT | found
        named = [verdict["action"] for verdict in done if finding["id"] in verdict["findings"]]
        action = max(named) if named else min(1, _ACTIONS.index(row["action"]))
        yield {
            **{name: finding[name] for name in _FINDING},
            **{name: row[name] for name in _OF_EXCHANGE},
            "exchange_id": row["id"],
            "place": -position,
            "started_at": row["started_at"],
            "severity": _SEVERITIES.index(finding["severity"]),
            "action": _ACTIONS[action],
            "owasp": orjson.dumps(finding["owasp"]).decode(),
        }


def _keep(connection: sa.Connection, findings: list[dict[str, Any]]) -> None:
    columns = list(findings[0])
    connection.execute(
        sa.text(
            f"INSERT INTO findings ({', '.join(f'"{name}"' for name in columns)})"  # noqa: S608  # as above
            f" VALUES ({', '.join(f':{name}' for name in columns)})"
        ),
        findings,
    )
    counts = Counter((one["started_at"] // (24 * _HOUR_US), *(one[name] for name in _ALIKE)) for one in findings)
    connection.execute(
        sa.text(
            f"INSERT INTO finding_days (day, {', '.join(_ALIKE)}, findings)"  # noqa: S608  # as above
            f" VALUES (:day, {', '.join(f':{name}' for name in _ALIKE)}, :findings)"
            f" ON CONFLICT (day, {', '.join(_ALIKE)}) DO UPDATE SET findings = findings + excluded.findings"
        ),
        [dict(zip(("day", *_ALIKE, "findings"), (*key, count), strict=True)) for key, count in counts.items()],
    )


def downgrade() -> None:
    """Remove them. Nothing is lost: all of it follows from the exchanges."""
    for table in ("finding_days", "findings", "conversations"):
        op.drop_table(table)
    for period in ("day", "hour"):
        for name in reversed(_COUNTS):
            op.drop_column(f"cost_{period}s", name)
    op.drop_column("exchanges", "failed")
