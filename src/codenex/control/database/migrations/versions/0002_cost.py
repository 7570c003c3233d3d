"""What a request cost, and a way to find a key's requests.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the index."""
    op.add_column("requests", sa.Column("cost", sa.Float))
    op.create_index("requests_key_at", "requests", ["key", "at"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("requests_key_at", "requests")
    op.drop_column("requests", "cost")
