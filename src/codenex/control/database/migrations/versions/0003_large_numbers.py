"""Numbers of 64 bits on PostgreSQL: a worker's two-thousand-millionth request comes within weeks. SQLite's have them
always.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COLUMNS = {
    "requests": (
        "number",
        "bytes_in",
        "bytes_out",
        "input_uncached",
        "input_cache_read",
        "input_cache_write",
        "input_tool",
        "output_text",
        "output_reasoning",
    ),
    "senders": ("through", "dropped"),
}


def upgrade() -> None:
    """Widen the columns."""
    _change(sa.BigInteger(), sa.Integer())


def downgrade() -> None:
    """Narrow them."""
    _change(sa.Integer(), sa.BigInteger())


def _change(new: sa.types.TypeEngine[int], old: sa.types.TypeEngine[int]) -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for table, columns in _COLUMNS.items():
        for column in columns:
            op.alter_column(table, column, type_=new, existing_type=old)
