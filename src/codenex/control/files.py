"""The files that the configuration is made of, and what is read in their place while one of them is broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

CONFIG, POOLS, CLIENT_KEYS = "config.json", "provider_pools.json", "client_keys.json"
FILES = (CONFIG, POOLS, CLIENT_KEYS)

_instead: ContextVar[Mapping[str, Path]] = ContextVar("_instead", default={})  # noqa: B039 - never changed


@contextmanager
def reading(files: Mapping[str, Path]) -> Iterator[None]:
    """Within the block, read these files instead of the ones with their names."""
    token = _instead.set(files)
    try:
        yield
    finally:
        _instead.reset(token)


def place_of(name: str, path: Path) -> Path:
    """Return where to read a file: ``path``, unless another one stands for it."""
    return _instead.get().get(name, path)
