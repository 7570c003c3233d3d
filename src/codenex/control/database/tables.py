"""The tables, as SQLAlchemy's core knows them. A change here needs a migration in ``migrations/versions``."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, MetaData, String, Table

metadata = MetaData()

#: One row for each request that reached a provider. ``sender`` and ``number`` say which worker reported it, once.
requests = Table(
    "requests",
    metadata,
    Column("sender", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("request_id", String(128), nullable=False),
    Column("status", Integer, nullable=False),
    Column("duration_ms", Float, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("first_output_ms", Float),
    Column("key", String(64)),
    Column("protocol", String(64)),
    Column("provider", String(64)),
    Column("account", String(256)),
    Column("model", String(256)),
    Column("finish", String(64)),
    Column("error", String(64)),
    Column("losses", Integer, nullable=False),
    Column("bytes_in", Integer, nullable=False),
    Column("bytes_out", Integer, nullable=False),
    Column("input_uncached", Integer),
    Column("input_cache_read", Integer),
    Column("input_cache_write", Integer),
    Column("input_tool", Integer),
    Column("output_text", Integer),
    Column("output_reasoning", Integer),
    #: in US dollars; nothing where nobody knows the price
    Column("cost", Float),
    Index("requests_at", "at"),
    Index("requests_key_at", "key", "at"),
)

#: How far each worker's reports have come, and what its queue had to drop.
senders = Table(
    "senders",
    metadata,
    Column("sender", String(32), primary_key=True),
    Column("through", Integer, nullable=False),
    Column("dropped", Integer, nullable=False),
    Column("at", Float, nullable=False),
)

#: Admin sessions by the digest of their token; times in seconds since 1970.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("began", Float, nullable=False),
    Column("used", Float, nullable=False),
)

#: Small values that outlive a restart, such as the state of accounts.
values = Table(
    "values",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("value", JSON, nullable=False),
)
