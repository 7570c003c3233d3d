"""Requests, senders, admin sessions and small values.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "requests",
        sa.Column("sender", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("duration_ms", sa.Float, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("first_output_ms", sa.Float),
        sa.Column("key", sa.String(64)),
        sa.Column("protocol", sa.String(64)),
        sa.Column("provider", sa.String(64)),
        sa.Column("account", sa.String(256)),
        sa.Column("model", sa.String(256)),
        sa.Column("finish", sa.String(64)),
        sa.Column("error", sa.String(64)),
        sa.Column("losses", sa.Integer, nullable=False),
        sa.Column("bytes_in", sa.Integer, nullable=False),
        sa.Column("bytes_out", sa.Integer, nullable=False),
        sa.Column("input_uncached", sa.Integer),
        sa.Column("input_cache_read", sa.Integer),
        sa.Column("input_cache_write", sa.Integer),
        sa.Column("input_tool", sa.Integer),
        sa.Column("output_text", sa.Integer),
        sa.Column("output_reasoning", sa.Integer),
    )
    op.create_index("requests_at", "requests", ["at"])
    op.create_table(
        "senders",
        sa.Column("sender", sa.String(32), primary_key=True),
        sa.Column("through", sa.Integer, nullable=False),
        sa.Column("dropped", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("began", sa.Float, nullable=False),
        sa.Column("used", sa.Float, nullable=False),
    )
    op.create_table(
        "values",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Remove them."""
    for table in ("values", "sessions", "senders", "requests"):
        op.drop_table(table)
