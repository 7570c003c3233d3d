"""No address that is somebody's inside is ever dialled: not as a number in any notation, not behind a name, not behind
a name that says something else the next time."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any

import pytest
from tests.support.vendors.checks import words

from codenex.providers.media.addresses import is_public
from codenex.providers.media.fetching import Fetcher, PublicResolver, Unavailable
from codenex.providers.transport import Transport, connect
from codenex.providers.transport.resolver import Address

INSIDE_4 = sorted(
    words(
        """
    0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.1.2.3 10.255.255.255 100.64.0.0 100.64.0.1 100.100.100.200
    100.127.255.255 127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 169.254.0.1 169.254.169.254 169.254.170.2
    169.254.255.255 172.16.0.0 172.16.0.1 172.20.1.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.170 192.0.0.192
    192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.0 192.168.0.1 192.168.1.254 192.168.255.255
    192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1
    255.255.255.255 168.63.129.16
    """
    )
)
INSIDE_6 = sorted(
    words(
        """
    :: ::1 ::2 ::7f00:1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:192.168.0.1
    ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::1
    64:ff9b:1:a00:0:100:: 100::1 100:0:0:1::1 2001::1 2001:0:7f00:1::1 2001:0:53aa:64c:0:0:80ff:fffe 2001:2::1
    2001:3::1 2001:10::1 2001:20::1 2001:30::1 2001:db8::1 2001:db8:ffff::1 2002::1 2002:7f00:1:: 2002:a00:1::1
    2002:a9fe:a9fe:: 2002:c0a8:1::1 2620:4f:8000::1 3fff::1 3fff:fff::1 4000::1 5f00::1 8000::1 fc00::1 fd00::1
    fd00:ec2::254 fd12:3456:789a::1 fdff:ffff::1 fe00::1 fe80::1 fe80::a9fe:a9fe febf::1 fec0::1 feff::1 ff00::1
    ff01::1 ff02::1 ff02::fb ff05::1:3 2a00:1450::5efe:127.0.0.1 2a00:1450::5efe:10.0.0.1
    2a00:1450:0:0:200:5efe:192.168.0.1
    """
    )
)
#: Addresses of version 4 that are carried in addresses of version 6.
CARRIED = [f"{head}{address}" for address in INSIDE_4 for head in ("::ffff:", "64:ff9b::")]
#: Other ways to write numbers, which programs take for addresses.
DISGUISED = sorted(
    words(
        """
    127.1 127.0.1 10.1 0 0x7f000001 0x7f.0.0.1 0x7F.1 0177.0.0.1 0177.1 017700000001 2130706433 0300.0250.0.1
    0xc0a80001 3232235521 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 10.0x1 127.0.0.1. 10.0.0.1.
    2130706433.
    """
    )
)
OUTSIDE = sorted(
    words(
        """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 169.253.255.255
    169.255.0.1 172.15.255.255 172.32.0.1 192.0.1.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1
    223.255.255.255 2000::1 2001:200::1 2001:4860:4860::8888 2001:dba::1 2003::1 2606:4700::1111 2a00:1450:4001::1
    3ffe::1
    """
    )
)


#: The same for all of them, whether there is such a name or not.
OUT = "its host can't be reached on the public internet"


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that connections would have been made to: nothing leaves this machine."""
    found: list[str] = []

    async def dial(addresses: list[Address], head_start: float = 0.0) -> socket.socket:
        found.extend(str(address[0]) for _, address in addresses)
        raise OSError("nobody is called by tests")

    monkeypatch.setattr(connect, "dial", dial)
    return found


class Names:
    """A scripted DNS: each name's answers one after another, the last one for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[Address]:
        self.asked.append(host)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        each = self.answers[host]
        return [_sockaddr(text, port) for text in (each.pop(0) if len(each) > 1 else each[0])]


def _sockaddr(text: str, port: int) -> Address:
    if ip_address(text).version == 4:
        return socket.AF_INET, (text, port)
    return socket.AF_INET6, (text, port, 0, 0)


async def fetched(names: Any, *urls: str) -> AsyncIterator[str]:
    async with Transport(resolver=PublicResolver(names)) as transport:
        fetcher = Fetcher(transport)
        for url in urls:
            with pytest.raises(Unavailable) as caught:
                await fetcher.fetch(url, "image")
            yield str(caught.value)


def test_there_are_enough_of_them() -> None:
    assert len({*INSIDE_4, *INSIDE_6, *CARRIED, *DISGUISED}) >= 150


@pytest.mark.parametrize("address", [*INSIDE_4, *INSIDE_6, "fe80::1%eth0", "2a00:1450::1%1", "nonsense", ""])
def test_what_is_inside(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_outside(address: str) -> None:
    assert is_public(address)


async def test_nothing_inside_is_called_by_its_number(dialled: list[str]) -> None:
    hosts = [*INSIDE_4, *DISGUISED, *(f"[{address}]" for address in [*INSIDE_6, *CARRIED])]
    urls = [f"{scheme}://{host}{port}/x.png" for host in hosts for scheme, port in (("http", ""), ("https", ":8443"))]
    count = 0
    async for reason in fetched(Names(), *urls):
        assert reason == OUT, urls[count]
        count += 1
    assert count == len(urls)
    assert dialled == []


async def test_nothing_inside_is_called_by_a_name(dialled: list[str]) -> None:
    inside = [*INSIDE_4, *INSIDE_6]
    for address in inside:
        # One public address beside it makes it no better.
        for answer in ([address], ["8.8.8.8", address], [address, "2606:4700::1111"]):
            async for reason in fetched(Names(a_example=[answer]), "http://a.example/x"):
                assert reason == OUT
    assert dialled == []


async def test_a_name_that_changes_its_mind(dialled: list[str]) -> None:
    """What is called is what was checked, in a thousand rounds of a name that is public every other time."""
    rounds = 1000
    names = Names(a_example=[[("8.8.8.8", "127.0.0.1")[number % 2]] for number in range(rounds)])
    reasons = [reason async for reason in fetched(names, *["http://a.example/x"] * rounds)]
    assert len(names.asked) == rounds
    assert dialled == ["8.8.8.8"] * (rounds // 2)
    assert reasons == [OUT] * rounds


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://a.example/x", "https"),
        ("file:///etc/passwd", "https"),
        ("gopher://a.example/x", "https"),
        ("//a.example/x", "https"),
        ("https://", "names no host"),
        ("https:///x", "names no host"),
        ("https://somebody@a.example/x", "user"),
        ("https://8.8.8.8@127.0.0.1/x", "user"),
        ("https://8.8.8.8\\@127.0.0.1/x", "user"),
        ("https://a.example:22/x", "port 22"),
        ("https://a.example:25/x", "port 25"),
        ("https://a.example:0/x", "port 0"),
        ("https://a.example:99999/x", "no address"),
        ("https://[::1/x", "no address"),
        ("https://a.example/x\r\nhost: b", "no address"),
        ("https://a.example/ x", "no address"),
        ("https://a.example/" + "x" * 9000, "no address"),
        ("https://a..example/x", "names no host"),
    ],
)
async def test_what_is_no_address(dialled: list[str], url: str, words: str) -> None:
    names = Names(a_example=[["8.8.8.8"]])
    async for reason in fetched(names, url):
        assert words in reason
    assert dialled == names.asked == []


async def test_names_in_other_scripts_and_with_a_dot_at_the_end(dialled: list[str]) -> None:
    names = Names(**{"xn--bcher-kva_example": [["8.8.8.8"]], "a_example": [["1.1.1.1"]]})
    async for reason in fetched(names, "https://bücher.example/ä?ü=1", "https://A.example./x"):
        assert reason == OUT
    assert names.asked == ["xn--bcher-kva.example", "a.example"]
    assert dialled == ["8.8.8.8", "1.1.1.1"]
