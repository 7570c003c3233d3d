"""Keys in every spelling, and nothing else, open the client APIs."""

import pytest

from codenex.core.errors import Fault
from codenex.gateway.authentication import authenticate, digest_of

KEY = "cdx-correct-horse"
DIGESTS = (digest_of("another"), digest_of(KEY))


class Request:
    def __init__(self, headers=(), query=""):
        self.headers = list(headers)
        self.query = query

    def header(self, name):
        return next((value for key, value in self.headers if key == name), None)


@pytest.mark.parametrize(
    "request_",
    [
        Request([("authorization", f"Bearer {KEY}")]),
        Request([("authorization", f"bearer   {KEY} ")]),
        Request([("x-api-key", KEY)]),
        Request([("x-goog-api-key", KEY)]),
        Request(query=f"alt=sse&key={KEY}"),
        # a client that sends an empty one beside the real one
        Request([("authorization", "Bearer "), ("x-api-key", KEY)]),
    ],
)
def test_accepted(request_):
    assert authenticate(request_, DIGESTS) == digest_of(KEY)


@pytest.mark.parametrize(
    "request_",
    [
        Request(),
        Request([("authorization", f"Basic {KEY}")]),
        Request([("authorization", "Bearer")]),
        Request([("x-api-key", "")]),
        Request([("x-api-key", KEY[:-1])]),
        Request([("x-api-key", KEY + "x")]),
        Request([("x-api-key", KEY.upper())]),
        Request([("x-api-key", "é" * 10)]),
        Request([("x-api-key", "\udcff")]),
        Request([("x-api-key", "x" * 1_000_000)]),
        Request(query="key="),
        Request(query=f"monkey={KEY}"),
        # the first credential counts: a wrong one is not repaired by a second
        Request([("authorization", "Bearer wrong"), ("x-api-key", KEY)]),
    ],
)
def test_refused(request_):
    with pytest.raises(Fault) as caught:
        authenticate(request_, DIGESTS)
    assert caught.value.status == 401
    assert KEY not in caught.value.message


def test_without_configured_keys_nothing_opens():
    with pytest.raises(Fault):
        authenticate(Request([("x-api-key", KEY)]), ())
