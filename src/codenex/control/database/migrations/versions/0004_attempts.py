"""What became of each attempt of a request, what a translation lost, and a way to find one request.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the index."""
    op.add_column("requests", sa.Column("path", sa.String(256)))
    op.add_column("requests", sa.Column("attempts", sa.JSON))
    op.add_column("requests", sa.Column("lost", sa.JSON))
    op.create_index("requests_request_id", "requests", ["request_id"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("requests_request_id", "requests")
    for column in ("lost", "attempts", "path"):
        op.drop_column("requests", column)
