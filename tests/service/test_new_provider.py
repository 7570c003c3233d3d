"""The recipe "add a provider" of CONTRIBUTING.md, performed: its row is added as it stands there, and the provider that
nobody has heard of works from configuration to answer."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.support.client import RawClient
from tests.support.gateway import running_gateway
from tests.support.scenario import say
from tests.support.vendor import ScriptedVendor

from codenex.control.configuration import load_configuration
from codenex.control.effective import effective_settings
from codenex.models import openai as openai_models
from codenex.providers import registry
from codenex.providers.registry import PROVIDER_TYPES, ProviderType
from codenex.store.settings import Settings

ROOT = Path(__file__).parents[2]
KEY, CLIENT_KEY = "acme-key-1", "a-key-for-clients"
MODEL = "acme-large"


def recipe() -> str:
    """The row as the recipe writes it."""
    text = (ROOT / "CONTRIBUTING.md").read_text().partition("## Recipe: add a provider\n")[2].partition("\n## ")[0]
    (code,) = re.findall(r"^ *```python\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return str(code)


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> ProviderType:
    """The registry with one row more."""
    names = {"ProviderType": ProviderType, "openai_models": openai_models}
    made = eval(textwrap.dedent(recipe()), names)
    assert isinstance(made, ProviderType)
    monkeypatch.setitem(PROVIDER_TYPES, made.name, made)
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own; nothing is configured yet but the client's key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REQUIRED_API_KEY", CLIENT_KEY)
    (tmp_path / "configs").mkdir()
    return tmp_path


def settings() -> Settings:
    return effective_settings(load_configuration({})).settings


def test_the_row_would_fit_into_the_registry() -> None:
    source = Path(registry.__file__).read_text()
    assert "from codenex.models import openai as openai_models" in source
    assert recipe().strip().startswith("ProviderType(")


def from_environment(folder: Path, url: str, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("ACME_API_KEY", KEY)
    patch.setenv("ACME_BASE_URL", url)


def from_dotenv(folder: Path, url: str, patch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text(f"ACME_API_KEY={KEY}\nACME_BASE_URL={url}\n")


def from_config(folder: Path, url: str, patch: pytest.MonkeyPatch) -> None:
    (folder / "configs" / "config.json").write_text(json.dumps({"ACME_API_KEY": KEY, "ACME_BASE_URL": url}))


def from_pools(folder: Path, url: str, patch: pytest.MonkeyPatch) -> None:
    pools = {"acme-custom": [{"ACME_API_KEY": KEY, "ACME_BASE_URL": url}]}
    (folder / "configs" / "provider_pools.json").write_text(json.dumps(pools))


@pytest.mark.parametrize("configure", [from_environment, from_dotenv, from_config, from_pools])
async def test_it_is_configured_like_any_other(
    row: ProviderType, folder: Path, monkeypatch: pytest.MonkeyPatch, configure: Any
) -> None:
    async with ScriptedVendor("openai_chat", key=KEY, scenario=say("from acme"), models=[MODEL]) as vendor:
        configure(folder, f"{vendor.url}/v1", monkeypatch)
        async with running_gateway(settings()) as gateway, await RawClient.connect(gateway.port) as client:
            answer = await client.ask(
                "POST",
                "/v1/chat/completions",
                {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]},
                {"authorization": f"Bearer {CLIENT_KEY}"},
            )
        assert answer.status == 200
        assert answer.headers.get("x-codenex-provider") == "acme-custom"
        assert answer.json["choices"][0]["message"]["content"] == "from acme"

        (request,) = vendor.requests
        assert (request.method, request.target) == ("POST", "/v1/chat/completions")
        assert request.headers.all("authorization") == [f"Bearer {KEY}"]
        assert request.json == {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
        assert CLIENT_KEY not in str(request)
        assert vendor.problems == []


BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]},
    "/v1/responses": {"model": MODEL, "input": "Hello"},
    "/v1/messages": {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]},
    f"/v1beta/models/{MODEL}:generateContent": {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", BODIES)
async def test_every_client_protocol_reaches_it_by_its_prefix(
    row: ProviderType, folder: Path, monkeypatch: pytest.MonkeyPatch, path: str, stream: bool
) -> None:
    body = BODIES[path] | ({"stream": True} if stream and "generateContent" not in path else {})
    target = path.replace(":generateContent", ":streamGenerateContent?alt=sse") if stream else path
    async with ScriptedVendor("openai_chat", key=KEY, scenario=say("from acme"), models=[MODEL]) as vendor:
        from_environment(folder, f"{vendor.url}/v1", monkeypatch)
        async with running_gateway(settings()) as gateway, await RawClient.connect(gateway.port) as client:
            answer = await client.ask("POST", f"/acme-custom{target}", body, {"x-api-key": CLIENT_KEY})
        assert answer.status == 200
        assert answer.headers.get("x-codenex-provider") == "acme-custom"
        assert b"acme" in answer.body

        (request,) = vendor.requests
        assert request.target == "/v1/chat/completions"
        assert request.headers.all("authorization") == [f"Bearer {KEY}"]
        assert request.json["model"] == MODEL
        assert request.json["messages"] == [{"role": "user", "content": "Hello"}]
        assert vendor.problems == []


async def test_it_is_found_by_header_by_model_prefix_by_its_models_and_as_the_default(
    row: ProviderType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedVendor("openai_chat", key=KEY, models=["acme-small", MODEL]) as vendor:
        from_environment(folder, f"{vendor.url}/v1", monkeypatch)
        monkeypatch.setenv("OPENAI_API_KEY", "another")
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        monkeypatch.setenv("MODEL_PROVIDER", "acme-custom")
        ways: list[tuple[str, dict[str, str]]] = [
            ("anything", {"model-provider": "acme-custom"}),
            ("acme-custom/anything", {}),
            ("acme-small", {}),
            ("auto", {}),
        ]
        async with running_gateway(settings()) as gateway, await RawClient.connect(gateway.port) as client:
            for model, headers in ways:
                body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
                headers = {**headers, "x-api-key": CLIENT_KEY}
                assert (await client.ask("POST", "/v1/chat/completions", body, headers)).status == 200, model
            listed = (await client.ask("GET", "/acme-custom/v1/models", headers={"x-api-key": CLIENT_KEY})).json
        assert [request.json["model"] for request in vendor.requests[:4]] == [
            "anything",
            "anything",
            "acme-small",
            row.default_model,
        ]
        assert {"acme-small", MODEL} <= {model["id"] for model in listed["data"]}


async def test_without_its_row_it_is_unknown(folder: Path) -> None:
    async with running_gateway(settings()) as gateway, await RawClient.connect(gateway.port) as client:
        answer = await client.ask("POST", "/acme-custom/v1/chat/completions", {}, {"x-api-key": CLIENT_KEY})
        assert answer.status == 404
