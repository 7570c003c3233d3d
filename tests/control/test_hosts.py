"""Names by which the management API may be called."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.control.home import Home
from tests.control.site import Site, running_site
from tests.support.client import RawClient
from tests.support.gateway import settings_for

from codenex.control.errors import ConfigurationError
from codenex.control.hosts import checked_hosts, host_is_allowed

ALWAYS = [
    *("127.0.0.1", "127.0.0.1:3000", "192.168.1.7:80", "203.0.113.9", "[::1]", "[::1]:3000", "[2001:db8::1]:1"),
    *("localhost", "LOCALHOST:3000", "localhost.", "x.localhost:1", "gateway", "my-nas:3000", "codenex_1:3000"),
]
NEVER = [
    *("evil.example", "evil.example:3000", "evil.example.", "127.0.0.1.evil.example", "localhost.evil.example"),
    *(
        "evil.example#localhost",
        "localhost@evil.example",
        "a b",
        "",
        "::1",
        "[127.0.0.1]",
        "[evil.example]",
        "*",
        "*.x",
    ),
    *("127.1", "0x7f.1", "xn--.", "a..b", "é.example", "127.0.0.1, evil.example", "[::1%25eth0].evil.example"),
]


@pytest.mark.parametrize("host", ALWAYS)
def test_addresses_and_names_that_nobody_can_register_are_allowed(host: str) -> None:
    assert host_is_allowed(host, ())


@pytest.mark.parametrize("host", NEVER)
def test_other_names_are_not(host: str) -> None:
    assert not host_is_allowed(host, ("gateway.example.com", "*.intern.example"))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("gateway.example.com", True),
        ("GATEWAY.example.com.:443", True),
        ("a.gateway.example.com", False),
        ("x.intern.example", True),
        ("x.y.intern.example:8080", True),
        ("intern.example", False),
        ("xintern.example", False),
    ],
)
def test_configured_names(host: str, allowed: bool) -> None:
    assert host_is_allowed(host, checked_hosts(("Gateway.Example.com", "*.intern.example"))) is allowed


@pytest.mark.parametrize("name", ["http://a.example", "a.example:3000", "a/b", "*", "a.*.b", "-a.b", ""])
def test_what_is_no_name_is_refused_at_the_start(name: str, home: Home) -> None:
    with pytest.raises(ConfigurationError, match="ALLOWED_HOSTS"):
        checked_hosts((name,))


async def status(site: Site, method: str, target: str, host: str, **headers: str) -> int:
    async with await RawClient.connect(site.gateway.port) as client:
        sent = [("host", host), ("authorization", f"Bearer {site.session}"), *headers.items()]
        return (await client.ask(method, target, {} if method == "POST" else None, sent)).status


async def test_a_page_whose_name_leads_here_gets_nothing(tmp_path: Path) -> None:
    """Not even what needs no session: it could guess passwords from within a network."""
    settings = settings_for(trusted_proxies=(), allowed_hosts=("gateway.example.com",))
    async with running_site(tmp_path, settings) as site:
        await site.set_up()
        for method, target in (
            ("GET", "/"),
            ("GET", "/ui"),
            ("GET", "/api/setup"),
            ("POST", "/api/setup"),
            ("POST", "/api/login"),
            ("GET", "/api/system"),
            ("POST", "/api/logout"),
            ("GET", "/api/nothing"),
        ):
            assert await status(site, method, target, "evil.example") == 403, target
            # Nobody's own word counts, where no proxy is trusted.
            forwarded = {"x-forwarded-host": "localhost", "forwarded": "host=localhost"}
            assert await status(site, method, target, "evil.example", **forwarded) == 403, target
        for host in ("gateway.example.com", "127.0.0.1:3000", "localhost"):
            assert await status(site, "GET", "/api/system", host) == 200
        # Clients have a key of their own; no browser adds it to a page's request.
        assert await status(site, "GET", "/health", "evil.example") == 200


async def test_names_are_in_use_at_once(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        await site.set_up()
        assert await status(site, "GET", "/api/system", "later.example") == 403
        site.administration.settings = msgspec.structs.replace(site.settings, allowed_hosts=("later.example",))
        assert await status(site, "GET", "/api/system", "later.example") == 200
