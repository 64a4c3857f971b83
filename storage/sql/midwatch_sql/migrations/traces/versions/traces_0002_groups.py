"""Key and user of an exchange; groups, and sums by hour and day, in place of an index a column."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from midwatch_core import load_json
from midwatch_sql.compression import unpack_detail

revision = "traces_0002"
down_revision = "traces_0001"
branch_labels = None
depends_on = None

# What a level tells apart, as this revision knew it; the numbers of levels are places here.
_DIMENSIONS = ("tenant", "provider", "model", "app", "agent", "key_id", "user", "client", "status")
_LEVELS = (("tenant",), ("provider", "model"), ("app", "agent"), _DIMENSIONS)
_SUMS = ("calls", "input_tokens", "output_tokens", "cost_micro", "cost_rest", "unpriced")
_HOUR_US = 3_600_000_000
_ROWS = 500


def upgrade() -> None:
    """Add the columns and tables, and fill them from the exchanges there are."""
    op.add_column("exchanges", sa.Column("key_id", sa.Text()))
    op.add_column("exchanges", sa.Column("user", sa.Text()))
    op.add_column("exchanges", sa.Column("group_id", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "cost_groups",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("level", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger() if name == "status" else sa.Text()) for name in _DIMENSIONS),
        sa.Column("calls", sa.BigInteger(), nullable=False),
    )
    for period in ("hour", "day"):
        op.create_table(
            f"cost_{period}s",
            sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
            sa.Column(period, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
            *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _SUMS),
            sqlite_with_rowid=False,
        )
    for index in ("exchanges_by_start", "exchanges_by_tenant", "exchanges_by_model"):
        op.drop_index(index, "exchanges")
    op.create_index("cost_groups_by_value", "cost_groups", ["user", "client", "key_id", "agent", "tenant", "model"])
    op.create_index("cost_groups_by_key", "cost_groups", ["key_id"])
    op.create_index("cost_groups_by_client", "cost_groups", ["client"])
    _read_details(op.get_bind())
    _fill(op.get_bind())
    op.create_index("exchanges_by_start", "exchanges", ["started_at", "id", "group_id"])
    op.create_index("exchanges_by_group", "exchanges", ["group_id", "started_at", "id"])
    op.create_index(
        "exchanges_of_fine_cost",
        "exchanges",
        ["started_at"],
        sqlite_where=sa.text("cost_usd IS NOT NULL AND cost_pico IS NULL"),
    )


def _read_details(connection: sa.Connection) -> None:
    """Key and user stood in the detail alone until now."""
    update = sa.text("UPDATE exchanges SET key_id = :key_id, user = :user WHERE rowid = :place")
    for rows in _chunks(connection):
        known = [
            {"place": place, "key_id": identity.get("key_id"), "user": identity.get("user")}
            for place, identity in (
                (place, load_json(unpack_detail(detail))["exchange"]["identity"]) for place, detail in rows
            )
            if identity.get("key_id") is not None or identity.get("user") is not None
        ]
        if known:
            connection.execute(update, known)


def _chunks(connection: sa.Connection) -> Iterator[Any]:
    query = sa.text("SELECT rowid, detail FROM exchanges WHERE rowid > :last ORDER BY rowid LIMIT :most")
    last = -1
    while rows := connection.execute(query, {"last": last, "most": _ROWS}).all():
        yield rows
        last = rows[-1][0]


def _fill(connection: sa.Connection) -> None:
    """The finest groups and their sums from the exchanges, days from hours, coarser groups from the finest."""
    run, finest = connection.exec_driver_sql, len(_LEVELS) - 1
    run(_groups(finest, "SELECT {0}, count(*) FROM exchanges GROUP BY {0}"))
    run(f"UPDATE exchanges SET group_id = (SELECT id FROM cost_groups WHERE {_same(finest, 'exchanges')})")  # noqa: S608  # names of ours
    run(
        f"INSERT INTO cost_hours SELECT group_id, (started_at - ((started_at % {_HOUR_US}) + {_HOUR_US}) % {_HOUR_US})"  # noqa: S608  # as above
        f" / {_HOUR_US}, count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),"
        " coalesce(sum(cost_pico / 1000000), 0), coalesce(sum(cost_pico % 1000000), 0), count(*) - count(cost_usd)"
        " FROM exchanges GROUP BY 1, 2"
    )
    sums = ", ".join(f"sum({name})" for name in _SUMS)
    run(
        f"INSERT INTO cost_days SELECT group_id, (hour - ((hour % 24) + 24) % 24) / 24, {sums}"  # noqa: S608  # as above
        " FROM cost_hours GROUP BY 1, 2"
    )
    for level in range(finest):
        run(_groups(level, f"SELECT {{0}}, sum(calls) FROM cost_groups WHERE level = {finest} GROUP BY {{0}}"))  # noqa: S608  # as above
        for period in ("hour", "day"):
            of_sums = ", ".join(f"sum(sums.{name})" for name in _SUMS)
            run(
                f"INSERT INTO cost_{period}s SELECT cost_groups.id, {period}, {of_sums} FROM cost_{period}s sums"  # noqa: S608  # as above
                f" JOIN cost_groups fine ON fine.id = group_id AND fine.level = {finest}"
                f" CROSS JOIN cost_groups ON {_same(level, 'fine')} GROUP BY 1, 2"
            )


def _groups(level: int, source: str) -> str:
    told = ", ".join(f'"{name}"' for name in _LEVELS[level])
    return f"INSERT INTO cost_groups (level, {told}, calls) SELECT {level}, * FROM ({source.format(told)})"  # noqa: S608  # as above


def _same(level: int, of: str) -> str:
    """A group of this level has the values of a row."""
    told = (
        f"cost_groups.{name} IS {of}.{name}" if name in _LEVELS[level] else f"cost_groups.{name} IS NULL"
        for name in _DIMENSIONS
    )
    return " AND ".join([*told, f"cost_groups.level = {level}"])


def downgrade() -> None:
    """Remove them. Nothing is lost: key and user stand in the detail as well."""
    for index in ("exchanges_of_fine_cost", "exchanges_by_group", "exchanges_by_start"):
        op.drop_index(index, "exchanges")
    for table in ("cost_days", "cost_hours", "cost_groups"):
        op.drop_table(table)
    for column in ("group_id", "user", "key_id"):
        op.drop_column("exchanges", column)
    op.create_index("exchanges_by_start", "exchanges", ["started_at"])
    op.create_index("exchanges_by_tenant", "exchanges", ["tenant", "started_at"])
    op.create_index("exchanges_by_model", "exchanges", ["model", "started_at"])
