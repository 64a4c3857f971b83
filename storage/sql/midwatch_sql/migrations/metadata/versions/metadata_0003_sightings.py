"""The inventory: who was seen talking to which host."""

import sqlalchemy as sa
from alembic import op

revision = "metadata_0003"
down_revision = "metadata_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "sightings",
        sa.Column("alike", sa.Text(), primary_key=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text()),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("client", sa.Text()),
        sa.Column("app", sa.Text()),
        sa.Column("user_agent", sa.Text()),
        sa.Column("process", sa.Text()),
        sa.Column("container", sa.Text()),
        sa.Column("connections", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
    )
    op.create_index("sightings_by_end", "sightings", ["last_at"])
    op.create_index("sightings_by_tenant", "sightings", ["tenant", "last_at"])


def downgrade() -> None:
    """Remove it, with what it holds."""
    op.drop_table("sightings")
