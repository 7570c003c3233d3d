"""Reverse proxies before the server: believed where they are configured, and nowhere else."""

from __future__ import annotations

import pytest
from tests.server.site import get

from codenex.server.exchange import EdgeExchange
from codenex.server.origins import TrustedProxies

PROXIES = TrustedProxies(["10.0.0.0/8", "127.0.0.1", "fd00::/8", "unix"])
FOR, PROTO, FORWARDED = "x-forwarded-for", "x-forwarded-proto", "forwarded"


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("127.0.0.1", True),
        ("::ffff:10.1.2.3", True),
        ("fd00::1", True),
        ("unix", True),
        ("127.0.0.2", False),
        ("192.0.2.1", False),
        ("", False),
    ],
)
def test_whose_word_counts(peer, trusted):
    assert PROXIES.trusts(peer) is trusted
    assert not TrustedProxies().trusts(peer)


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([], "127.0.0.1"),
        ([(FOR, "192.0.2.7")], "192.0.2.7"),
        ([(FOR, "6.6.6.6, 192.0.2.7")], "192.0.2.7"),
        ([(FOR, "6.6.6.6, 192.0.2.7, 10.0.0.3")], "192.0.2.7"),
        ([(FOR, "6.6.6.6"), (FOR, "192.0.2.7")], "192.0.2.7"),
        ([(FOR, "192.0.2.7:4711")], "192.0.2.7"),
        ([(FOR, "[2001:db8::1]:4711")], "2001:db8::1"),
        ([(FOR, "2001:db8::1")], "2001:db8::1"),
        ([(FOR, "10.0.0.1, 10.0.0.2")], "127.0.0.1"),
        ([(FOR, "192.0.2.7, unknown")], "127.0.0.1"),
        ([(FOR, "<script>")], "127.0.0.1"),
        ([(FOR, "")], "127.0.0.1"),
        ([(FOR, ", ".join(["10.0.0.1"] * 100))], "127.0.0.1"),
        ([(FORWARDED, "for=192.0.2.7;proto=https")], "192.0.2.7"),
        ([(FORWARDED, 'proto=https;For="[2001:db8::1]:47", for=10.0.0.9')], "2001:db8::1"),
        ([(FORWARDED, "for=_hidden")], "127.0.0.1"),
        ([(FORWARDED, "by=192.0.2.7")], "127.0.0.1"),
        # Two headers that differ: one of them is the client's invention, and nobody knows which.
        ([(FOR, "192.0.2.7"), (FORWARDED, "for=6.6.6.6")], "127.0.0.1"),
        ([(FOR, "192.0.2.7"), (FORWARDED, "for=192.0.2.7")], "192.0.2.7"),
    ],
)
def test_the_client_is_the_last_hop_that_is_no_proxy(headers, client):
    assert PROXIES.client(headers, "127.0.0.1") == client


@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        ([], "http"),
        ([(PROTO, "https")], "https"),
        ([(PROTO, "http, HTTPS")], "https"),
        ([(PROTO, "gopher")], "http"),
        ([(FORWARDED, "for=1.1.1.1;proto=https")], "https"),
        ([(FORWARDED, "proto=https, proto=http")], "http"),
        ([(PROTO, "https"), (FORWARDED, "proto=http")], "http"),
    ],
)
def test_the_scheme(headers, scheme):
    assert PROXIES.scheme(headers, "http") == scheme


async def tell(exchange: EdgeExchange) -> None:
    exchange.respond(200, [], f"{exchange.peer} {exchange.scheme}".encode())


@pytest.mark.parametrize(
    ("proxies", "told"),
    [([], b"127.0.0.1 http"), (["127.0.0.0/8"], b"192.0.2.7 https"), (["10.0.0.1"], b"127.0.0.1 http")],
)
async def test_what_a_handler_sees(serve, proxies, told):
    site = await serve(tell, trusted_proxies=proxies)
    answer = await site.client().ask(get("/", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https"))
    assert answer.body == told
    assert site.records[0].peer == told.split()[0].decode()
