"""The order of routing, row by row."""

import msgspec
import pytest

from codenex.core.errors import Fault
from codenex.gateway.resolution import Resolution, resolved
from codenex.store.settings import Account, Settings


def account(provider, **fields):
    return Account(uuid=f"{provider}-{len(fields)}", provider=provider, **fields)


CONFIGURED = Settings(
    accounts={
        "openai-custom": (account("openai-custom", supported_models=("gpt-4o", "shared")),),
        "claude-custom": (
            account("claude-custom", aliases={"my-claude": "claude-sonnet-4-5"}, supported_models=("x",)),
        ),
        "gemini-custom": (account("gemini-custom"),),
    },
    model_aliases={"fast": "gemini-custom/gemini-2.5-flash", "renamed": "gpt-4o"},
    ever_configured=True,
    model_provider="gemini-custom",
)
EMPTY = Settings()


@pytest.mark.parametrize(
    ("model", "prefix", "header", "expected"),
    [
        # 1. the path prefix wins over everything
        ("claude-custom/x", "openai-custom", "gemini-custom", Resolution("openai-custom", "claude-custom/x", True)),
        ("openai-custom/x", "openai-custom", None, Resolution("openai-custom", "x", True)),
        # 2. then the header
        ("claude-custom/x", None, "gemini-custom", Resolution("gemini-custom", "claude-custom/x", True)),
        # 3. then a known type in front of the model
        ("claude-custom/fast", None, None, Resolution("claude-custom", "fast", True)),
        ("unknown-type/fast", None, None, Resolution("gemini-custom", "unknown-type/fast")),
        # 4. then an alias, with or without a provider in it
        ("fast", None, None, Resolution("gemini-custom", "gemini-2.5-flash")),
        ("renamed", None, None, Resolution("openai-custom", "gpt-4o")),
        # 6. then a provider that lists the model, also under an account's alias
        ("gpt-4o", None, None, Resolution("openai-custom", "gpt-4o")),
        ("my-claude", None, None, Resolution("claude-custom", "my-claude")),
        # 7. then the default provider
        ("anything", None, None, Resolution("gemini-custom", "anything")),
    ],
)
def test_order(model, prefix, header, expected):
    assert resolved(CONFIGURED, model, prefix, header) == expected


def test_detected_models_route_like_listed_ones():
    assert resolved(CONFIGURED, "seen", None, None, {"claude-custom": frozenset({"seen"})}).provider == "claude-custom"


def test_short_claude_names_belong_to_claude_code_and_say_so_where_it_is_missing():
    for model in ("opus", "sonnet", "haiku"):
        with pytest.raises(Fault) as caught:
            resolved(CONFIGURED, model, None, None)
        assert caught.value.status == 503
        assert "Claude Code" in caught.value.message


def test_auto_is_the_providers_default_model():
    assert resolved(CONFIGURED, "auto", "openai-custom", None).model == "gpt-4o"
    assert resolved(EMPTY, "auto", None, None) == Resolution("demo", "demo")
    with pytest.raises(Fault) as caught:
        resolved(CONFIGURED, "auto", "gemini-custom", None)
    assert caught.value.code == "model_not_found"


def test_auto_may_stand_behind_an_alias():
    settings = msgspec.structs.replace(CONFIGURED, model_aliases={"any": "openai-custom/auto"})
    assert resolved(settings, "any", None, None) == Resolution("openai-custom", "gpt-4o")


def test_the_demo_answers_any_model_until_a_provider_was_configured():
    assert resolved(EMPTY, "gpt-4o", None, None) == Resolution("demo", "gpt-4o")
    with pytest.raises(Fault) as caught:
        resolved(Settings(ever_configured=True), "gpt-4o", None, None)
    assert caught.value.status == 503


def test_an_unknown_model_is_never_replaced():
    settings = Settings(
        accounts={"openai-custom": (account("openai-custom", supported_models=("gpt-4o",)),)}, ever_configured=True
    )
    with pytest.raises(Fault) as caught:
        resolved(settings, "gpt-5", None, None)
    assert (caught.value.status, caught.value.code) == (404, "model_not_found")


@pytest.mark.parametrize("model", ["m", "auto"])
def test_a_named_provider_without_accounts_is_a_503_and_a_wrong_header_a_400(model):
    for prefix, header, name in (("openai-custom", None, model), (None, None, f"openai-custom/{model}")):
        with pytest.raises(Fault) as caught:
            resolved(EMPTY, name, prefix, header)
        assert (caught.value.status, caught.value.code) == (503, "no_account_available")
    with pytest.raises(Fault) as caught:
        resolved(EMPTY, "m", None, "nonsense")
    assert (caught.value.status, caught.value.param) == (400, "Model-Provider")


def test_disabled_and_excluding_accounts_list_nothing():
    settings = Settings(
        accounts={
            "openai-custom": (
                account("openai-custom", supported_models=("m",), disabled=True),
                account("openai-custom", supported_models=("m",), not_supported_models=("m",), name="b"),
            ),
            "claude-custom": (account("claude-custom", supported_models=("m",)),),
        },
        ever_configured=True,
    )
    assert resolved(settings, "m", None, None).provider == "claude-custom"
