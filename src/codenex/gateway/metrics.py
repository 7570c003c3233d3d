"""``/metrics``: accounts, requests and processes for Prometheus, the same from whichever process is asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from codenex import __version__
from codenex.pool.health import Circuit
from codenex.store.shared_memory import SharedMemory
from codenex.telemetry.exposition import CONTENT_TYPE, Family, Kind, Labels, Sample, exposed
from codenex.telemetry.families import families

__all__ = ["CONTENT_TYPE", "metrics"]

Providers = dict[str, list[dict[str, Any]]]

#: Name, kind and help of each metric that an account has one value of, and where the value comes from.
_OF_ACCOUNTS: tuple[tuple[str, Kind, str, Callable[[dict[str, Any]], float]], ...] = (
    ("codenex_account_enabled", "gauge", "Whether the account is switched on.", lambda one: not one["isDisabled"]),
    ("codenex_account_healthy", "gauge", "Whether the account's circuit is closed.", lambda one: one["isHealthy"]),
    ("codenex_account_in_flight", "gauge", "Requests in progress.", lambda one: one["inFlight"]),
    ("codenex_account_resting_models", "gauge", "Models it rests for.", lambda one: len(one["restingModels"])),
    ("codenex_account_requests_total", "counter", "Attempts that were begun.", lambda one: one["usageCount"]),
    ("codenex_account_failures_total", "counter", "Attempts that failed.", lambda one: one["errorCount"]),
)


def metrics(providers: Providers, shared: SharedMemory | None) -> bytes:
    """Return all metrics: of the accounts, by provider type as ``/provider_health`` has them, and of the processes that
    have ``shared`` in common.

    Reads files of the kernel: to be called in a thread.
    """
    found = [
        Family("codenex_build_info", "gauge", "The version.", [Sample({"version": __version__}, 1)]),
        *_of_accounts(providers),
    ]
    if shared is not None:
        # Whoever has memory in common was started by the master.
        found += families(shared.all_measures(), shared.owners(), os.getppid() if shared.common else None)
    return exposed(found)


def _of_accounts(providers: Providers) -> list[Family]:
    accounts = [(_labels(provider, account), account) for provider, group in providers.items() for account in group]
    return [
        *(
            Family(
                name,
                kind,
                words,
                [Sample(labels, value(account)) for labels, account in accounts],
            )
            for name, kind, words, value in _OF_ACCOUNTS
        ),
        Family(
            "codenex_account_circuit",
            "gauge",
            "1 for the state that the account's circuit is in.",
            [
                Sample({**labels, "state": state.value}, account["circuit"] == state.value)
                for labels, account in accounts
                for state in Circuit
            ],
        ),
    ]


def _labels(provider: str, account: dict[str, Any]) -> Labels:
    return {"provider": provider, "account": account["uuid"], "name": account["customName"] or ""}
