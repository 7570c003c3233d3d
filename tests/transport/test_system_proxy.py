"""Which proxy the environment names."""

from __future__ import annotations

import pytest

from codenex.providers.transport.system_proxy import system_proxy


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p"}, "http://p"),
        ({"HTTP_PROXY": "http://p"}, None),
        ({"ALL_PROXY": "socks5://p"}, "socks5://p"),
        ({"https_proxy": "http://low", "HTTPS_PROXY": "http://up", "ALL_PROXY": "x"}, "http://low"),
        ({"HTTPS_PROXY": " "}, None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "api.test"}, None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "other, .TEST"}, None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "*.test"}, None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "test"}, None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "pi.test"}, "http://p"),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "api.test:443"}, None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "api.test:80"}, "http://p"),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8"}, "http://p"),
    ],
)
def test_of_a_name(environment, proxy):
    assert system_proxy("https", "api.test", 443, environment) == proxy


@pytest.mark.parametrize(
    ("host", "exceptions", "proxied"),
    [
        ("127.0.0.1", "127.0.0.0/8", False),
        ("127.0.0.1", "127.0.0.1", False),
        ("192.0.2.1", "127.0.0.0/8", True),
        ("::1", "::1", False),
        ("fd00::1", "[fd00::1]", False),
        ("fd00::1", "fd00::/8", False),
    ],
)
def test_of_an_address(host, exceptions, proxied):
    environment = {"http_proxy": "http://p", "no_proxy": exceptions}
    assert (system_proxy("http", host, 80, environment) is not None) is proxied
