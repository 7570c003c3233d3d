"""What every test shares: how many examples Hypothesis tries, and the test rig as fixtures.

A test of a law asks for `max(1000, settings.default.max_examples)` examples, so that `make deep` can raise the number.
"""

from __future__ import annotations

import gc
import os
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tests.matrix import table
from tests.support.canary import Scanner, canaries
from tests.support.certificates import Authority
from tests.support.clock import VirtualClock
from tests.support.faults import CLEAN, FaultProxy, Plan
from tests.support.leaks import LeakCheck
from tests.support.postgres import Cluster
from tests.support.upstream import ScriptedUpstream
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName

settings.register_profile("test", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.register_profile(
    "deep",
    deadline=None,
    max_examples=100_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("deep" if os.environ.get("CODENEX_DEEP") == "1" else "test")

# Tests reach loopback alone, where no public authority vouches for anybody. An SDK's client reads the files of all of
# them, for 35 ms each; an authority of a test's own comes from another file, and is loaded.
_PUBLIC = {ssl.get_default_verify_paths().openssl_cafile, "/etc/ssl/certs/ca-certificates.crt"}
_load_authorities = ssl.SSLContext.load_verify_locations


def _load_other_authorities(
    context: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None
) -> None:
    if cafile not in _PUBLIC:
        _load_authorities(context, cafile, capath, cadata)


ssl.SSLContext.load_verify_locations = _load_other_authorities  # type: ignore[method-assign]

# jsonschema's check of international addresses: no test asks for it, and it compiles its grammar for 1.4 s.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

# No test pulls the plug: what they write need not reach the disk, which takes 10 ms a file. Whether it would is tested
# by replacing this function.
os.fsync = lambda _: None  # type: ignore[assignment]


@pytest.fixture
async def leak_check() -> AsyncIterator[LeakCheck]:
    """Fail the test if it leaves a task, a descriptor or a watched counter behind.

    Name it before the fixtures that hold connections (or with ``pytest.mark.usefixtures``), so that it looks last.
    """
    check = LeakCheck()
    yield check
    assert await check.settled() == []


@pytest.fixture
async def vendor() -> AsyncIterator[Callable[..., Awaitable[ScriptedVendor]]]:
    """``await vendor("anthropic", scenario=…)``: a running scripted vendor, stopped after the test."""
    async with AsyncExitStack() as stack:

        async def start(protocol: ProtocolName, **options: Any) -> ScriptedVendor:
            return await stack.enter_async_context(ScriptedVendor(protocol, **options))

        yield start


@pytest.fixture
async def fault_proxy() -> AsyncIterator[Callable[..., Awaitable[FaultProxy]]]:
    """``await fault_proxy(vendor, Plan(…))``: a running fault proxy before a server, stopped after the test."""
    async with AsyncExitStack() as stack:

        async def start(target: ScriptedUpstream | int, plan: Plan = CLEAN) -> FaultProxy:
            port = target if isinstance(target, int) else target.port
            return await stack.enter_async_context(FaultProxy("127.0.0.1", port, plan))

        yield start


@pytest.fixture
def clock() -> VirtualClock:
    """Time that passes when the test says so."""
    return VirtualClock()


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Our own certificate authority."""
    return Authority()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server; stopped at the end."""
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def canary_scanner() -> Scanner:
    """Looks for the secrets of ``canaries()``."""
    return Scanner(canaries())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Keep the garbage collector from looking at all modules and test items again and again: they stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the pages in a browser, which take longest: no worker is left with one of them at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/web/"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the compatibility table from what the matrix ran, once, where all of it did."""
    if not hasattr(session.config, "workerinput"):
        table.write()
