"""Incidents: troubles over their life, and who took them on."""

import sqlalchemy as sa
from alembic import op

revision = "metadata_0005"
down_revision = "metadata_0004"
branch_labels = None
depends_on = None

# Names in the order of their code points, as SQLite has them.
_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "incidents",
        sa.Column("id", _NAME, primary_key=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("severity", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger()),
        sa.Column("acknowledged_by", sa.Text()),
        sa.Column("resolved_at", sa.BigInteger()),
        sa.Column("details", sa.Text(), nullable=False),
    )
    op.create_index("incidents_by_beginning", "incidents", ["began_at", "id"])
    op.create_index("incidents_by_end", "incidents", ["resolved_at", "began_at", "id"])
    op.create_index("incidents_by_tenant", "incidents", ["tenant", "began_at", "id"])
    op.create_index("incidents_by_fingerprint", "incidents", ["fingerprint", "began_at", "id"])


def downgrade() -> None:
    """Remove it, with what it holds."""
    op.drop_table("incidents")
