"""The tables, as SQLAlchemy's core knows them. A change here needs a migration in ``migrations/versions``."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table

metadata = MetaData()

#: SQLite's integers all have 64 bits.
_Count = BigInteger().with_variant(Integer, "sqlite")

#: One row for each request that reached a provider. ``sender`` and ``number`` say which worker reported it, once.
requests = Table(
    "requests",
    metadata,
    Column("sender", String(32), primary_key=True),
    Column("number", _Count, primary_key=True),
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
    Column("bytes_in", _Count, nullable=False),
    Column("bytes_out", _Count, nullable=False),
    Column("input_uncached", _Count),
    Column("input_cache_read", _Count),
    Column("input_cache_write", _Count),
    Column("input_tool", _Count),
    Column("output_text", _Count),
    Column("output_reasoning", _Count),
    #: in US dollars; nothing where nobody knows the price
    Column("cost", Float),
    #: the endpoint, without query
    Column("path", String(256)),
    #: calls of accounts, where the first one didn't serve at once, and what a translation lost
    Column("attempts", JSON(none_as_null=True)),
    Column("lost", JSON(none_as_null=True)),
    Index("requests_at", "at"),
    Index("requests_key_at", "key", "at"),
    Index("requests_request_id", "request_id"),
)

#: How far each worker's reports have come, and what its queue had to drop.
senders = Table(
    "senders",
    metadata,
    Column("sender", String(32), primary_key=True),
    Column("through", _Count, nullable=False),
    Column("dropped", _Count, nullable=False),
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
