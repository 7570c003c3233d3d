"""Which facts of a model hold: the tables', the configuration's, the account's."""

from __future__ import annotations

from typing import Any

from codenex.gateway.facts import capabilities_of
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.settings import Account, ModelFacts

CHAT = PROVIDER_TYPES["openai-custom"]


def facts(model: str, *corrections: ModelFacts, own: dict[str, Any] | None = None, provider: str = "openai-custom"):  # type: ignore[no-untyped-def]
    account = Account("one", provider, base_url="http://127.0.0.1:1/v1", capabilities=own or {})
    return capabilities_of(PROVIDER_TYPES[provider], account, model, corrections)


def test_without_corrections_the_tables_hold() -> None:
    assert facts("gpt-5.2").efforts == ("none", "low", "medium", "high", "xhigh")
    assert facts("qwen3").max_output_tokens is None


def test_a_correction_holds_for_the_models_that_it_names() -> None:
    correction = ModelFacts("Qwen3*", {"max_output_tokens": 32768, "prefill": False})

    assert facts("qwen3-coder", correction).max_output_tokens == 32768
    assert not facts("QWEN3", correction).prefill
    assert facts("a-qwen3", correction).max_output_tokens is None


def test_a_correction_of_one_provider_type_leaves_others_alone() -> None:
    correction = ModelFacts("*", {"max_output_tokens": 7}, "claude-custom")

    assert facts("m", correction).max_output_tokens is None
    assert facts("m", correction, provider="claude-custom").max_output_tokens == 7


def test_later_corrections_and_the_account_win() -> None:
    first, second = ModelFacts("*", {"max_output_tokens": 1}), ModelFacts("m*", {"max_output_tokens": 2})

    assert facts("m", first, second).max_output_tokens == 2
    assert facts("m", second, first).max_output_tokens == 1
    assert facts("m", first, own={"max_output_tokens": 3}).max_output_tokens == 3


def test_lists_of_a_file_are_the_sets_that_they_mean() -> None:
    """A list has no intersection: an encoder that asks for one would have failed."""
    found = facts("m", ModelFacts("*", {"sampling": ["temperature"]}))

    assert found.sampling == frozenset({"temperature"})
    assert found.sampling & {"temperature", "top_p"} == {"temperature"}


def test_particular_facts_join_those_that_are_known() -> None:
    found = facts("gpt-5.6", ModelFacts("*", {"extras": {"text_lists": False}}), own={"extras": {"stop_limit": 2}})

    assert found.extras is not None
    assert found.extras["text_lists"] is False
    assert found.extras["stop_limit"] == 2
    assert found.extras["cache_breakpoints"] is True, "what the table knows of this family"
