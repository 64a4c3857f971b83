"""Exchanges, and the pieces they are made of."""

import sqlalchemy as sa
from alembic import op

revision = "traces_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "exchanges",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text()),
        sa.Column("app", sa.Text()),
        sa.Column("client", sa.Text()),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger()),
        sa.Column("streamed", sa.Boolean(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cache_read_tokens", sa.BigInteger()),
        sa.Column("cache_write_tokens", sa.BigInteger()),
        sa.Column("reasoning_tokens", sa.BigInteger()),
        sa.Column("cost_usd", sa.Text()),
        sa.Column("cost_reason", sa.Text()),
        sa.Column("ttft_ms", sa.Float(53)),
        sa.Column("duration_ms", sa.Float(53)),
        sa.Column("finish_reason", sa.Text()),
        sa.Column("tools_called", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("decode_error", sa.Text()),
        sa.Column("response_model", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("cost_pico", sa.BigInteger()),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
    )
    op.create_index("exchanges_by_start", "exchanges", ["started_at"])
    op.create_index("exchanges_by_tenant", "exchanges", ["tenant", "started_at"])
    op.create_index("exchanges_by_trace", "exchanges", ["trace_id", "started_at"])
    op.create_index("exchanges_by_model", "exchanges", ["model", "started_at"])
    op.create_table(
        "pieces",
        sa.Column("tenant", sa.Text(), primary_key=True),
        sa.Column("hash", sa.Text(), primary_key=True),
        sa.Column("kind", sa.BigInteger(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    """Remove them, with what they hold."""
    op.drop_table("pieces")
    op.drop_table("exchanges")
