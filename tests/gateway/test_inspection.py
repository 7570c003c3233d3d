"""What the inspector shows: the hub's form, each target's body, the losses, refusals; never a key, and nothing sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codenex.core.errors import Fault
from codenex.gateway.inspection import Inspection, inspected
from codenex.store.settings import Account, ModelFacts, Settings

CHAT = {
    "model": "gpt-5.2",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
    "seed": 7,
    "temperature": 0,
}
SETTINGS = Settings(envelope_key="00" * 32)


def inspect(
    body: dict[str, Any], source: str, *targets: str, settings: Settings = SETTINGS, model: str | None = None
) -> Inspection:
    return inspected(json.dumps(body).encode(), source, targets, settings, model)


def test_it_shows_the_hub_form_and_all_four_protocols() -> None:
    found = inspect(CHAT, "chat")

    assert found.source == "openai-chat"
    assert [turn["role"] for turn in found.hub["turns"]] == ["system", "user"]
    assert [one.protocol for one in found.translations] == ["openai-chat", "openai-responses", "anthropic", "gemini"]
    assert [one.lane for one in found.translations] == ["passthrough", *["translation"] * 3]


def test_it_shows_what_would_be_sent_and_what_would_be_lost() -> None:
    (claude,) = inspect(CHAT, "openai-chat", "claude", model="claude-sonnet-4-5").translations

    assert claude.url == "https://api.anthropic.com/v1/messages"
    assert claude.body["system"] in ("Be brief.", [{"type": "text", "text": "Be brief."}])
    assert claude.body["temperature"] == 0
    assert "seed" not in claude.body
    assert {"path": "seed", "action": "dropped"}.items() <= claude.losses[0].items()


def test_a_protocol_of_its_own_is_shown_as_it_goes() -> None:
    body = {**CHAT, "unknown_field": {"kept": [1.0, None]}}
    (chat,) = inspect(body, "chat", "chat").translations

    assert chat.lane == "passthrough"
    assert chat.body == body
    assert not chat.losses


def test_a_configured_account_is_taken_with_its_names_and_facts() -> None:
    account = Account(
        "one", "claude-custom", base_url="http://10.0.0.1:8080", api_key="secret-key", aliases={"gpt-5.2": "claude-x"}
    )
    settings = Settings(
        accounts={"claude-custom": (account,)},
        envelope_key="00" * 32,
        model_facts=(ModelFacts("claude-x", {"max_output_tokens": 77}),),
    )
    (claude,) = inspect(CHAT, "chat", "claude-custom", settings=settings).translations

    assert claude.url == "http://10.0.0.1:8080/v1/messages"
    assert claude.model == claude.body["model"] == "claude-x"
    assert claude.body["max_tokens"] == 77
    assert "secret-key" not in json.dumps(inspect(CHAT, "chat", settings=settings).document())


def test_an_account_that_is_rebuilt_for_is_shown_rebuilt() -> None:
    account = Account("one", "openai-custom", normalise=True)
    settings = Settings(accounts={"openai-custom": (account,)}, envelope_key="00" * 32)
    (chat,) = inspect({**CHAT, "unknown_field": 1}, "chat", "openai-custom", settings=settings).translations

    assert chat.lane == "translation"


def test_a_refusal_says_why() -> None:
    body = {**CHAT, "n": 3}
    (claude,) = inspect(body, "chat", "anthropic").translations

    assert claude.body is None
    assert claude.refusal is not None
    assert claude.refusal["status"] == 400
    assert claude.refusal["message"]
    assert inspect(body, "chat", "anthropic").lossy


def test_gemini_needs_a_model_from_elsewhere() -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    with pytest.raises(Fault, match="names no model"):
        inspect(body, "gemini")

    (chat,) = inspect(body, "gemini", "chat", model="gpt-5.2").translations
    assert chat.body["model"] == "gpt-5.2"
    assert chat.body["messages"][0]["role"] == "user"


@pytest.mark.parametrize(("source", "target"), [("telnet", "chat"), ("chat", "telnet"), ("chat", "demo")])
def test_unknown_names_are_refused_with_those_that_are_known(source: str, target: str) -> None:
    with pytest.raises(Fault, match="known are") as raised:
        inspect(CHAT, source, target)
    assert raised.value.status == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model": "m", "messages": 3}'])
def test_a_malformed_request_is_a_fault(body: bytes) -> None:
    with pytest.raises(Fault):
        inspected(body, "chat", (), SETTINGS, None)
