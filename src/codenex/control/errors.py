"""What an operator is told about a configuration that can't be used."""

from __future__ import annotations


class ConfigurationError(Exception):
    """The configuration can't be used; the message says which value, from where, and what to do."""
