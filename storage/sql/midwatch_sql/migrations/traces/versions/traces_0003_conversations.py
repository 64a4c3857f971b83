"""Where an exchange stands in its conversation, and what its cost means. Of what was kept before, neither is known."""

import sqlalchemy as sa
from alembic import op

revision = "traces_0003"
down_revision = "traces_0002"
branch_labels = None
depends_on = None

_COLUMNS = ("cost_basis", "session", "turn", "linked_by", "parent_id", "tool_spans")
# What groups were told apart by before.
_DIMENSIONS = ("tenant", "provider", "model", "app", "agent", "key_id", "user", "client", "status", "level")
_SUMS = ("calls", "input_tokens", "output_tokens", "cost_micro", "cost_rest", "unpriced")


def upgrade() -> None:
    """Add the columns: no row is written, and all exchanges stay in their groups. The index reads them once."""
    for column in _COLUMNS:
        op.add_column("exchanges", sa.Column(column, sa.Text()))
    op.add_column("cost_groups", sa.Column("cost_basis", sa.Text()))
    op.create_index(
        "exchanges_by_session", "exchanges", ["session", "started_at"], sqlite_where=sa.text("session IS NOT NULL")
    )


def downgrade() -> None:
    """Remove them; groups that only their basis told apart become one. The detail of an exchange still has all."""
    op.drop_index("exchanges_by_session", "exchanges")
    _merge_groups(op.get_bind())
    op.drop_column("cost_groups", "cost_basis")
    for column in reversed(_COLUMNS):
        op.drop_column("exchanges", column)


def _merge_groups(connection: sa.Connection) -> None:
    """Each group of a basis goes into the first of those that are otherwise alike."""
    run = connection.exec_driver_sql
    alike = ", ".join(f'"{name}"' for name in _DIMENSIONS)
    run(
        "CREATE TEMP TABLE joining AS SELECT id, kept FROM"  # noqa: S608  # names of ours
        f" (SELECT id, min(id) OVER (PARTITION BY {alike}) AS kept FROM cost_groups) WHERE id != kept"
    )
    run("UPDATE exchanges SET group_id = kept FROM joining WHERE group_id = joining.id")
    for period in ("hour", "day"):
        more = ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)
        sums = ", ".join(f"sum({name})" for name in _SUMS)
        run(
            f"INSERT INTO cost_{period}s SELECT kept, {period}, {sums} FROM cost_{period}s"  # noqa: S608  # as above
            f" JOIN joining ON id = group_id GROUP BY 1, 2 ON CONFLICT (group_id, {period}) DO UPDATE SET {more}"
        )
        run(f"DELETE FROM cost_{period}s WHERE group_id IN (SELECT id FROM joining)")  # noqa: S608  # as above
    run("DELETE FROM cost_groups WHERE id IN (SELECT id FROM joining)")
    run("UPDATE cost_groups SET calls = (SELECT sum(calls) FROM cost_hours WHERE group_id = id)")
    run("DROP TABLE joining")
