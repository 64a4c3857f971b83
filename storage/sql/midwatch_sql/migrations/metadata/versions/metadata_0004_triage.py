"""What people made of findings; and how far a report is, for which time, and why it failed.

`reports` is made anew: in a SQLite file a long body must stand last, and a column that is added stands behind it.
"""

import sqlalchemy as sa
from alembic import op

revision = "metadata_0004"
down_revision = "metadata_0003"
branch_labels = None
depends_on = None

# Names in the order of their code points, as SQLite has them.
_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_KEPT = "id, tenant, kind, title, created_at, media_type, body"


def upgrade() -> None:
    """Make the table of judgements; the reports that are there are made, and of no certain time."""
    op.create_table(
        "triage",
        sa.Column("finding_id", sa.Text(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("judge", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
    )
    op.create_index("triage_by_moment", "triage", ["at"])
    op.create_index("triage_by_tenant", "triage", ["tenant", "at"])
    _set_aside("reports_0003")
    _make_reports(
        "reports_0004",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger()),
        sa.Column("until", sa.BigInteger()),
        sa.Column("problem", sa.Text()),
    )
    op.execute(f"INSERT INTO reports ({_KEPT}, state) SELECT {_KEPT}, 'done' FROM reports_0003")  # noqa: S608  # names of ours
    op.drop_table("reports_0003")


def downgrade() -> None:
    """Remove the judgements, and the reports that are not made: the old schema can't tell them from others."""
    op.drop_table("triage")
    _set_aside("reports_0004")
    _make_reports("reports_0003")
    op.execute(f"INSERT INTO reports ({_KEPT}) SELECT {_KEPT} FROM reports_0004 WHERE state = 'done'")  # noqa: S608  # names of ours
    op.drop_table("reports_0004")


def _set_aside(name: str) -> None:
    op.drop_index("reports_by_creation", "reports")
    op.drop_index("reports_by_tenant", "reports")
    op.rename_table("reports", name)


def _make_reports(key: str, *columns: sa.Column[str] | sa.Column[int]) -> None:
    """The table with further columns before the body. PostgreSQL needs a name of its own for each key's index."""
    op.create_table(
        "reports",
        sa.Column("id", _NAME, nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        *columns,
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"{key}_key"),
    )
    op.create_index("reports_by_creation", "reports", ["created_at"])
    op.create_index("reports_by_tenant", "reports", ["tenant", "created_at"])
