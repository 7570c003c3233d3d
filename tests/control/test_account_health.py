"""Checks of accounts over the management API: real requests to a scripted vendor, and what the workers learn of it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.control.managed import Managed
from tests.security.trap import Trap
from tests.support.gateway import PROVIDERS
from tests.support.ports import free_port
from tests.support.replies import Unary, hang
from tests.support.vendor import KEY, ScriptedVendor

from codenex.control import probing
from codenex.gateway.accounts import Accounts
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.health_changes import HealthChange, encoded_change


def entry(vendor: ScriptedVendor, uuid: str = "a", **fields: Any) -> dict[str, Any]:
    provider, path = PROVIDERS[vendor.dialect.name]
    kind = PROVIDER_TYPES[provider]
    return {"uuid": uuid, str(kind.key_field): KEY, str(kind.base_url_field): vendor.url + path, **fields}


async def configured(managed: Managed, provider: str, *entries: dict[str, Any]) -> None:
    managed.home.pools({provider: list(entries)})
    await managed.part.supervision.reload()


async def asked(managed: Managed, path: str, body: Any = None) -> Any:
    answer = await managed.ask("POST", f"/api/providers/{path}", body)
    assert answer.status_code == 200, answer.text
    assert KEY not in answer.text
    return answer.json()


def rest(managed: Managed, uuid: str, seconds: float = 100.0, model: str = "") -> None:
    """Let an account rest, as a worker would tell."""
    now = time.monotonic()
    change = HealthChange(
        uuid, 0.0 if model else now + seconds, model, now + seconds if model else 0.0, "it failed", now
    )
    managed.part.shared.append(encoded_change(change))


@pytest.mark.parametrize("protocol", PROVIDERS)
@pytest.mark.parametrize("by_request", [False, True])
async def test_an_account_that_answers_is_healthy(managed: Managed, protocol: Any, by_request: bool) -> None:
    provider, _ = PROVIDERS[protocol]
    async with ScriptedVendor(protocol) as vendor:
        model = vendor.dialect.default_model
        await configured(managed, provider, entry(vendor, **({"checkModelName": model} if by_request else {})))
        rest(managed, "a")
        assert not (await managed.get(f"/api/providers/{provider}"))["providers"][0]["isHealthy"]

        found = await asked(managed, f"{provider}/a/health-check")
        assert (found["healthy"], found["isAuthError"]) == (True, False), found
        assert found["modelName"] == (model if by_request else None)
        assert len(vendor.requests) == 1
        assert vendor.requests[0].method == ("POST" if by_request else "GET")
        assert vendor.problems == []
        assert (await managed.get(f"/api/providers/{provider}"))["providers"][0]["isHealthy"]


async def test_all_accounts_of_a_type_are_checked(managed: Managed) -> None:
    async with ScriptedVendor("openai_chat") as vendor:
        await configured(
            managed,
            "openai-custom",
            entry(vendor, "good"),
            entry(vendor, "wrong", OPENAI_API_KEY="another-upstream-key"),
            entry(vendor, "gone", OPENAI_BASE_URL=f"http://127.0.0.1:{free_port()}/v1"),
            entry(vendor, "unchecked", OPENAI_API_KEY="key-3", checkHealth=False),
            entry(vendor, "off", OPENAI_API_KEY="key-4", isDisabled=True),
        )
        found = await asked(managed, "openai-custom/health-check")
        assert (found["successCount"], found["failCount"], found["totalCount"]) == (1, 2, 3)
        results = {result["uuid"]: result for result in found["results"]}
        assert results.keys() == {"good", "wrong", "gone"}
        assert results["good"]["success"]
        assert results["wrong"]["isAuthError"] and not results["gone"]["isAuthError"]

        shown = (await managed.get("/api/providers/openai-custom"))["providers"]
        assert [account["uuid"] for account in shown if not account["isHealthy"]] == ["wrong"]
        name, data = managed.events()[-1]
        assert (name, data["action"], len(data["results"])) == ("config_update", "health_check", 3)


async def test_a_check_takes_no_longer_than_it_may(managed: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PATIENCE", 0.3)
    async with ScriptedVendor("openai_chat") as vendor:
        vendor.on("GET", "/v1/models", hang())
        await configured(managed, "openai-custom", entry(vendor))
        began = time.monotonic()
        found = await asked(managed, "openai-custom/a/health-check")
        assert found["healthy"] is False and "no answer" in found["message"]
        assert time.monotonic() - began < 10


async def test_an_upstream_without_a_list_is_not_called_unhealthy(managed: Managed) -> None:
    async with ScriptedVendor("openai_chat") as vendor:
        vendor.on("GET", "/v1/models", Unary(b'{"error": {"message": "no such path"}}', status=404))
        await configured(managed, "openai-custom", entry(vendor))
        found = await asked(managed, "openai-custom/a/health-check")
        assert found["healthy"] is None and "checkModelName" in found["message"]


async def test_resting_accounts_are_trusted_again(managed: Managed) -> None:
    async with ScriptedVendor("openai_chat") as vendor:
        await configured(managed, "openai-custom", entry(vendor), entry(vendor, "b", OPENAI_API_KEY="key-2"))
        workers = managed.part.shared.beside(1)
        accounts = Accounts(managed.part.settings, shared=workers)
        rest(managed, "a")
        rest(managed, "b", model="gpt-4o")
        assert accounts.choose("openai-custom", "gpt-4o", frozenset()) is None

        found = await asked(managed, "openai-custom/reset-health")
        assert (found["resetCount"], found["totalCount"]) == (1, 2)
        both = {accounts.choose("openai-custom", "gpt-4o", frozenset({other})).uuid for other in ("a", "b")}  # type: ignore[union-attr]
        assert both == {"a", "b"}


async def test_accounts_that_fail_are_removed(managed: Managed) -> None:
    async with ScriptedVendor("openai_chat") as vendor:
        bad = entry(vendor, "b", OPENAI_API_KEY="key-2", customName="bad")
        await configured(managed, "openai-custom", entry(vendor), bad)
        rest(managed, "b")
        answer = await managed.ask("DELETE", "/api/providers/openai-custom/delete-unhealthy")
        done = answer.json()
        assert done["deletedProviders"] == [{"uuid": "b", "customName": "bad"}]
        assert (done["deletedCount"], done["remainingCount"]) == (1, 1)
        assert [account["uuid"] for account in managed.pools["openai-custom"]] == ["a"]


async def test_models_are_detected_with_fields_that_are_not_stored(managed: Managed) -> None:
    async with ScriptedVendor("openai_chat", models=["b", "a"]) as vendor:
        wrong = entry(vendor, OPENAI_API_KEY="another-upstream-key", supportedModels=["a"])
        await configured(managed, "openai-custom", wrong)
        status, message = await managed.refusal("POST", "/api/providers/openai-custom/a/detect-models")
        assert (status, "told no models" in message) == (400, True)
        found = await asked(managed, "openai-custom/a/detect-models", {"providerConfig": {"OPENAI_API_KEY": KEY}})
        assert (found["models"], found["selectedModels"], found["count"]) == (["a", "b"], ["a"], 2)
        assert managed.pools["openai-custom"][0]["OPENAI_API_KEY"] == "another-upstream-key"
        for fields in ({"OPENAI_API_KEY": "***else"}, {"OPENAI_BASE_URL": "ftp://x"}, {"weight": "x"}):
            path = "/api/providers/openai-custom/a/detect-models"
            assert (await managed.refusal("POST", path, {"providerConfig": fields}))[0] == 422


async def test_models_of_providers(managed: Managed) -> None:
    async with ScriptedVendor("anthropic", models=["m-1", "m-2"]) as vendor:
        managed.home.pools({"claude-custom": [entry(vendor)]})
        await managed.part.supervision.reload()
        assert await managed.get("/api/provider-models") == {"claude-custom": ["m-1", "m-2"]}
        expected = {"providerType": "claude-custom", "models": ["m-1", "m-2"]}
        assert await managed.get("/api/provider-models/claude-custom") == expected
        assert (await managed.refusal("GET", "/api/provider-models/other"))[0] == 404


async def test_an_account_gets_another_uuid(managed: Managed) -> None:
    await configured(managed, "openai-custom", {"uuid": "a", "OPENAI_API_KEY": KEY, "later": [1]})
    done = await asked(managed, "openai-custom/a/refresh-uuid")
    assert done["oldUuid"] == "a"
    assert managed.pools["openai-custom"] == [{"uuid": done["newUuid"], "OPENAI_API_KEY": KEY, "later": [1]}]
    ((account,),) = managed.accounts.values()
    assert account.uuid == done["newUuid"]


@pytest.mark.parametrize("end", ["a/health-check", "health-check", "reset-health", "a/detect-models", "a/refresh-uuid"])
async def test_what_is_not_there(managed: Managed, end: str) -> None:
    assert (await managed.refusal("POST", f"/api/providers/nothing/{end}"))[0] == 404
    if end != "reset-health":
        assert (await managed.refusal("POST", f"/api/providers/openai-custom/{end}"))[0] == 404


async def test_a_program_is_healthy_where_it_is_there(managed: Managed) -> None:
    program = managed.home.folder / "claude"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    field = "CLAUDE_CODE_PATH"
    await configured(
        managed, "claudeCode-custom", {"uuid": "a", field: str(program)}, {"uuid": "b", field: "/no/program"}
    )
    found = await asked(managed, "claudeCode-custom/health-check")
    assert {result["uuid"]: result["success"] for result in found["results"]} == {"a": True, "b": False}


@pytest.mark.parametrize("protocol", PROVIDERS)
async def test_no_redirect_of_a_list_or_a_check_is_followed(managed: Managed, protocol: Any) -> None:
    provider, _ = PROVIDERS[protocol]
    async with Trap() as trap, ScriptedVendor(protocol) as vendor:
        for method, path, _ in vendor.dialect.routes:
            vendor.on(method, path, lambda _: Unary(b"moved", 307, [("location", f"{trap.url}/v1/models")]))
        await configured(managed, provider, entry(vendor))
        found = await managed.ask("POST", f"/api/providers/{provider}/a/health-check")
        assert found.json()["healthy"] is False
        await managed.ask("POST", f"/api/providers/{provider}/a/detect-models")
        await managed.get(f"/api/provider-models/{provider}")
        assert vendor.requests
        assert trap.connections == 0
