"""The state of all accounts in the text format of Prometheus (exposition format 0.0.4, prometheus.io, read 2026-11).
Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codenex.pool.health import Circuit

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: Name, kind and help of each metric that an account has one value of, and where the value comes from.
_OF_ACCOUNTS: tuple[tuple[str, str, str, Callable[[dict[str, Any]], float]], ...] = (
    ("codenex_account_enabled", "gauge", "Whether the account is switched on.", lambda one: not one["isDisabled"]),
    ("codenex_account_healthy", "gauge", "Whether the account's circuit is closed.", lambda one: one["isHealthy"]),
    ("codenex_account_in_flight", "gauge", "Requests in progress.", lambda one: one["inFlight"]),
    ("codenex_account_resting_models", "gauge", "Models it rests for.", lambda one: len(one["restingModels"])),
    ("codenex_account_requests_total", "counter", "Attempts that were begun.", lambda one: one["usageCount"]),
    ("codenex_account_failures_total", "counter", "Attempts that failed.", lambda one: one["errorCount"]),
)
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def pool_metrics(providers: dict[str, list[dict[str, Any]]]) -> bytes:
    """Return the metrics of all accounts, by provider type as ``/provider_health`` has them."""
    accounts = [(provider, account) for provider, group in providers.items() for account in group]
    lines: list[str] = []
    for name, kind, words, value in _OF_ACCOUNTS:
        lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
        lines += [
            f"{name}{{{_labels(provider, account)}}} {float(value(account)):.15g}" for provider, account in accounts
        ]
    name = "codenex_account_circuit"
    lines += [f"# HELP {name} 1 for the state that the account's circuit is in.", f"# TYPE {name} gauge"]
    for provider, account in accounts:
        labels = _labels(provider, account)
        lines += [f'{name}{{{labels},state="{one.value}"}} {int(account["circuit"] == one.value)}' for one in Circuit]
    return ("\n".join(lines) + "\n").encode()


def _labels(provider: str, account: dict[str, Any]) -> str:
    pairs = {"provider": provider, "account": account["uuid"], "name": account["customName"] or ""}
    return ",".join(f'{label}="{str(value).translate(_ESCAPES)}"' for label, value in pairs.items())
