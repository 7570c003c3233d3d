"""Keys in every spelling, and nothing else, open the client APIs."""

import pytest

from codenex.core.errors import Fault
from codenex.gateway.authentication import Keyring, check_permission, digest_of
from codenex.store.settings import ClientKey

KEY = "cdx-correct-horse"
KEYS = (ClientKey(digest_of("another"), "other"), ClientKey(digest_of(KEY), "mine"))


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
    assert Keyring(KEYS).authenticate(request_).id == "mine"


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
        Keyring(KEYS).authenticate(request_)
    assert caught.value.status == 401
    assert KEY not in caught.value.message


def test_a_header_that_was_right_before_opens_for_its_own_key_alone():
    now = [100.0]
    keyring = Keyring((ClientKey(digest_of(KEY), "mine", expires=200.0), KEYS[0]), lambda: now[0])
    right = ("authorization", f"Bearer {KEY}")
    for _ in range(2):
        assert keyring.authenticate(Request([right])).id == "mine"
        assert keyring.authenticate(Request([right, ("x-api-key", "another")])).id == "mine"
        # a header that names no key has no part in what another one opens
        assert keyring.authenticate(Request([("authorization", "Basic x"), ("x-api-key", KEY)])).id == "mine"
        assert keyring.authenticate(Request([("authorization", "Basic x"), ("x-api-key", "another")])).id == "other"
    for refused in (("authorization", "Basic x"), ("x-api-key", right[1]), ("authorization", right[1] + "x")):
        with pytest.raises(Fault):
            keyring.authenticate(Request([refused]))
    now[0] = 200.0
    with pytest.raises(Fault) as caught:
        keyring.authenticate(Request([right]))
    assert caught.value.code == "expired_api_key"


def test_without_configured_keys_nothing_opens():
    with pytest.raises(Fault):
        Keyring(()).authenticate(Request([("x-api-key", KEY)]))


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"disabled": True}, "revoked_api_key"), ({"expires": 1000.0}, "expired_api_key"), ({"expires": 1000.1}, None)],
)
def test_keys_that_have_ended_say_so(fields, code):
    keyring = Keyring([ClientKey(digest_of(KEY), "mine", **fields)], wall=lambda: 1000.0)
    request = Request([("x-api-key", KEY)])
    if code is None:
        assert keyring.authenticate(request).id == "mine"
        return
    with pytest.raises(Fault) as caught:
        keyring.authenticate(request)
    assert (caught.value.status, caught.value.code) == (401, code)


@pytest.mark.parametrize(
    ("models", "providers", "code"),
    [
        ((), (), None),
        (("gpt-5",), (), None),
        (("alias",), (), None),
        (("gpt-*",), (), None),
        (("*",), ("openai-custom",), None),
        (("claude-*", "gemini-3"), (), "model_not_allowed"),
        (("gpt-5*x",), (), "model_not_allowed"),
        ((), ("claude-custom",), "provider_not_allowed"),
    ],
)
def test_a_key_may_do_what_its_lists_say(models, providers, code):
    key = ClientKey("d", "k", models=models, providers=providers)
    if code is None:
        check_permission(key, "openai-custom", "gpt-5", "alias")
        return
    with pytest.raises(Fault) as caught:
        check_permission(key, "openai-custom", "gpt-5", "alias")
    assert (caught.value.status, caught.value.code) == (403, code)
