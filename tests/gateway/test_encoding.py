"""A request that goes to a second account is encoded anew, and comes out as it did for the first."""

from __future__ import annotations

import copy

from hypothesis import given, settings
from tests.support.strategies import requests

from codenex.core.errors import Fault
from codenex.core.losses import Losses
from codenex.core.request import Request
from codenex.gateway.encoding import Target
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.settings import Account

MODELS = {
    "openai-custom": "gpt-5.2",
    "openaiResponses-custom": "gpt-5.2",
    "claude-custom": "claude-sonnet-4-5",
    "gemini-custom": "gemini-3-pro",
}


@settings(max_examples=50)
@given(request=requests())
def test_encoding_changes_nothing_of_what_it_encodes(request: Request) -> None:
    # Making a request up takes far longer than encoding it.
    for provider in MODELS:
        check(provider, request)


def check(provider: str, request: Request) -> None:
    target = Target(PROVIDER_TYPES[provider], Account("u", provider, api_key="k"), MODELS[provider])
    before = copy.deepcopy(request)
    made: list[tuple[bytes, tuple[object, ...]] | str] = []
    for _ in range(2):
        losses = Losses()
        try:
            body = target.encoded(request, b"0" * 32, losses).body
        except Fault as fault:
            made.append(fault.message)
        else:
            made.append((body, losses.values()))
    assert made[0] == made[1]
    assert request == before
