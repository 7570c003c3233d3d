"""What hosts and families of OpenAI's protocols take."""

from __future__ import annotations

import pytest

from codenex.models.capabilities import Capabilities
from codenex.models.openai import (
    CHAT_BASE,
    CHAT_HOSTS,
    FAMILIES,
    RESPONSES_BASE,
    RESPONSES_HOSTS,
    chat_capabilities,
    responses_capabilities,
)

FIELDS = set(Capabilities.__struct_fields__)


def test_rows_change_fields_that_exist():
    for row in (*CHAT_HOSTS, *RESPONSES_HOSTS, *FAMILIES):
        assert set(row.changes) <= FIELDS


@pytest.mark.parametrize(
    "host",
    [
        "api.openai.com",
        "API.OpenAI.com:443",
        "https://api.openai.com/v1",
        "https://user@api.openai.com:443/v1/",
        "eu.api.openai.com",
    ],
)
def test_a_host_is_known_by_name_or_base_url(host: str):
    found = chat_capabilities("gpt-4o", host)
    assert found.developer_role
    assert found.output_limit_field == "max_completion_tokens"


@pytest.mark.parametrize(
    "host", ["notapi.openai.com.example", "https://proxy.example/api.openai.com", "fakemistral.ai"]
)
def test_a_name_that_only_resembles_a_host_is_unknown(host: str):
    assert chat_capabilities("some-model", host) == CHAT_BASE


def test_unknown_hosts_and_models_get_the_base():
    assert chat_capabilities("some-model", "llm.example") == CHAT_BASE
    assert responses_capabilities("some-model", "llm.example") == RESPONSES_BASE
    assert CHAT_BASE.output_limit_field == "max_tokens"
    assert not CHAT_BASE.developer_role
    assert "top_k" not in CHAT_BASE.sampling


@pytest.mark.pitfall("SMP-2")
@pytest.mark.parametrize(
    ("model", "efforts", "off"),
    [
        ("o3-mini", ("low", "medium", "high"), False),
        ("gpt-5", ("minimal", "low", "medium", "high"), False),
        ("gpt-5-mini-2025-08-07", ("minimal", "low", "medium", "high"), False),
        ("gpt-5.1", ("none", "low", "medium", "high"), True),
        ("gpt-5.2-codex", ("none", "low", "medium", "high", "xhigh"), True),
        ("gpt-5.6", ("none", "low", "medium", "high", "xhigh", "max"), True),
        ("gpt-6", ("none", "low", "medium", "high", "xhigh", "max"), True),
    ],
)
def test_reasoning_models(model: str, efforts: tuple[str, ...], off: bool):
    for found in (chat_capabilities(model, "api.openai.com"), responses_capabilities(model, "api.openai.com")):
        assert found.efforts == efforts
        assert found.thinking_can_be_off is off
        assert "temperature" not in found.sampling
    assert chat_capabilities(model, "llm.example").output_limit_field == "max_completion_tokens"


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-4.1-mini", "gpt-3.5-turbo", "gpt-5-chat-latest", "gpt-5.2-chat-latest"]
)
def test_other_models_do_not_reason(model: str):
    found = chat_capabilities(model, "api.openai.com")
    assert found.thinking == frozenset()
    assert "temperature" in found.sampling


@pytest.mark.pitfall("RSN-3")
def test_tools_and_effort_exclude_each_other_in_chat_only():
    for model, rule in (("gpt-5.4", "omitted"), ("gpt-5.5-pro", "omitted"), ("gpt-5.6", "none")):
        assert (chat_capabilities(model, "api.openai.com").extras or {})["tools_need_effort"] == rule
        assert "tools_need_effort" not in (responses_capabilities(model, "api.openai.com").extras or {})


@pytest.mark.pitfall("RSN-11")
def test_who_wants_reasoning_back():
    assert chat_capabilities("deepseek-reasoner", "api.deepseek.com").reasoning_echo == "reasoning_content"
    assert chat_capabilities("deepseek-ai/DeepSeek-V3", "llm.example").reasoning_echo == "reasoning_content"
    assert chat_capabilities("deepseek/deepseek-r1", "openrouter.ai").reasoning_echo == "reasoning_details"
    assert chat_capabilities("gpt-5", "api.openai.com").reasoning_echo is None
    assert (chat_capabilities("gpt-5", "api.openai.com").extras or {})["reasoning_history_refused"] is True


def test_facts_of_host_and_family_are_joined():
    extras = chat_capabilities("gpt-5.6", "api.openai.com").extras or {}
    assert extras["stop_limit"] == 4
    assert extras["tools_need_effort"] == "none"
    assert extras["cache_breakpoints"] is True


def test_custom_tools_need_the_host_and_the_model():
    assert chat_capabilities("gpt-5", "api.openai.com").custom_tools
    assert not chat_capabilities("gpt-4o", "api.openai.com").custom_tools
    assert not chat_capabilities("gpt-5", "llm.example").custom_tools


def test_responses_never_take_what_the_protocol_lacks():
    for model in ("gpt-4o", "gpt-5", "o3", "some-model"):
        found = responses_capabilities(model, "api.openai.com")
        assert found.sampling <= {"temperature", "top_p", "logprobs"}
        assert found.developer_role


def test_the_configuration_has_the_last_word():
    overrides = {"developer_role": True, "max_output_tokens": 5, "unknown": 1}
    for capabilities in (chat_capabilities, responses_capabilities):
        found = capabilities("gpt-4o", "api.openai.com", overrides)
        assert found.max_output_tokens == 5
        assert found.developer_role
