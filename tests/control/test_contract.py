"""Every row of the management API, by method and path: what it takes and what it answers, in the shapes that clients of
that API know. ``docs/management-api.md`` tells people the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.control.managed import PASSWORD, Managed
from tests.support.vendor import KEY, ScriptedVendor

ROOT = Path(__file__).parents[2]
#: A value of each shape; in a list or an object of one element, every element has its shape.
TEXT, NUMBER, FLAG, ANY = "", 0, False, None
ACCOUNT = {"uuid": TEXT, "customName": ANY, "isHealthy": FLAG, "isDisabled": FLAG, "OPENAI_API_KEY": TEXT}
CHECK = {"uuid": TEXT, "success": FLAG, "modelName": ANY, "message": TEXT, "isAuthError": FLAG}
SAID = {"success": FLAG, "message": TEXT}
TYPE_USAGE = {
    "providerType": TEXT,
    "totalCount": NUMBER,
    "successCount": NUMBER,
    "errorCount": NUMBER,
    "instances": [{"uuid": TEXT, "name": ANY, "isHealthy": FLAG, "isDisabled": FLAG, "success": FLAG, "requests": {}}],
}
FILE = {"name": TEXT, "path": TEXT, "size": NUMBER, "type": TEXT, "modified": TEXT, "isUsed": FLAG, "preview": TEXT}
POOL_ITEM = {"uuid": TEXT, "isHealthy": FLAG, "isDisabled": FLAG, "identify": TEXT, "provider": TEXT}


@dataclass
class Row:
    """One endpoint. ``shape`` is what its answer holds at least; a text instead is the answer's content type."""

    method: str
    path: str
    shape: Any
    body: Any = None
    status: int = 200
    #: what the documentation calls the path, where it has places in it
    name: str = ""
    prepare: Callable[[Managed], None] | None = None
    files: Any = None
    known: list[Any] = field(default_factory=list)


def credential(managed: Managed) -> None:
    managed.home.config({"refresh_token": "r" * 20}, "gemini/1.json")


NEW = {"providerType": "openai-custom", "providerConfig": {"OPENAI_API_KEY": "another-key-1"}}
P = "/api/providers/openai-custom"
ROWS = [
    Row("POST", "/api/login", {"success": FLAG, "token": TEXT, "expiresIn": NUMBER}, {"password": PASSWORD}),
    Row("POST", "/api/admin-password", {"success": FLAG}, {"current": PASSWORD, "password": PASSWORD + "!"}),
    Row("POST", "/api/logout", {"success": FLAG}),
    Row("GET", "/api/setup", {"required": FLAG}),
    Row("GET", "/api/sessions", [{"id": TEXT, "began": TEXT, "lastUsed": TEXT, "expires": TEXT, "current": FLAG}]),
    Row("DELETE", "/api/sessions", {"success": FLAG, "ended": NUMBER}),
    Row("GET", "/api/providers", {"providers": {"openai-custom": [ACCOUNT]}, "supportedProviders": [TEXT]}),
    Row("GET", "/api/providers/supported", [TEXT]),
    Row(
        "GET",
        P,
        {"providerType": TEXT, "providers": [ACCOUNT], "totalCount": NUMBER, "healthyCount": NUMBER},
        name="/api/providers/{type}",
    ),
    Row("POST", "/api/providers", {**SAID, "provider": ACCOUNT, "providerType": TEXT}, NEW, 201),
    Row(
        "PUT",
        f"{P}/a",
        {**SAID, "provider": ACCOUNT},
        {"providerConfig": {"weight": 2}},
        name="/api/providers/{type}/{uuid}",
    ),
    Row("DELETE", f"{P}/a", {**SAID, "deletedProvider": {}}, name="/api/providers/{type}/{uuid}"),
    Row("POST", f"{P}/a/enable", {**SAID, "provider": ACCOUNT}, name="/api/providers/{type}/{uuid}/enable"),
    Row("POST", f"{P}/a/disable", {**SAID, "provider": ACCOUNT}, name="/api/providers/{type}/{uuid}/disable"),
    Row(
        "POST",
        f"{P}/health-check",
        {**SAID, "successCount": NUMBER, "failCount": NUMBER, "totalCount": NUMBER, "results": [CHECK]},
        name="/api/providers/{type}/health-check",
    ),
    Row(
        "POST",
        f"{P}/a/health-check",
        {"success": FLAG, "providerType": TEXT, "uuid": TEXT, "healthy": FLAG, "message": TEXT, "isAuthError": FLAG},
        name="/api/providers/{type}/{uuid}/health-check",
    ),
    Row(
        "POST",
        f"{P}/reset-health",
        {**SAID, "resetCount": NUMBER, "totalCount": NUMBER, "providerType": TEXT},
        name="/api/providers/{type}/reset-health",
    ),
    Row(
        "DELETE",
        f"{P}/delete-unhealthy",
        {**SAID, "deletedCount": NUMBER, "remainingCount": NUMBER, "deletedProviders": []},
        name="/api/providers/{type}/delete-unhealthy",
    ),
    Row(
        "POST",
        f"{P}/a/refresh-uuid",
        {**SAID, "oldUuid": TEXT, "newUuid": TEXT},
        name="/api/providers/{type}/{uuid}/refresh-uuid",
    ),
    Row(
        "POST",
        f"{P}/a/detect-models",
        {"success": FLAG, "count": NUMBER, "models": [TEXT], "selectedModels": []},
        name="/api/providers/{type}/{uuid}/detect-models",
    ),
    Row(
        "POST",
        "/api/quick-link-provider",
        {**SAID, "successCount": NUMBER, "failCount": NUMBER, "results": [{"filePath": TEXT, **SAID}]},
        {"filePath": "configs/gemini/1.json"},
        prepare=credential,
    ),
    Row(
        "POST",
        "/api/upload-oauth-credentials",
        {**SAID, "filePath": TEXT, "originalName": TEXT, "provider": TEXT},
        files={"files": {"file": ("a.json", b"{}")}, "data": {"provider": "gemini"}},
    ),
    Row(
        "POST",
        "/api/gemini/batch-import-tokens",
        "text/event-stream; charset=utf-8",
        {"providerType": "gemini-cli-oauth", "tokens": [{"refresh_token": "r" * 20}]},
    ),
    Row("GET", "/api/config", {"HOST": TEXT, "SERVER_PORT": NUMBER, "isDefaultPassword": FLAG, "problems": []}),
    Row("GET", "/api/config/schema", {"properties": {}, "type": TEXT}),
    Row("POST", "/api/config", {**SAID, "details": TEXT, "changes": []}, {"MAX_ERROR_COUNT": 4}),
    Row(
        "POST",
        "/api/reload-config",
        {**SAID, "details": {"configReloaded": FLAG, "configPath": TEXT, "providerPoolsPath": TEXT}},
    ),
    Row(
        "GET",
        "/provider_health",
        {
            "timestamp": TEXT,
            "items": [POOL_ITEM],
            "count": NUMBER,
            "unhealthyCount": NUMBER,
            "unhealthyRatio": 0.0,
            "unhealthySummeryMessage": TEXT,
            "summaryHealth": FLAG,
        },
    ),
    Row("GET", "/api/health", {"status": TEXT, "timestamp": NUMBER}),
    Row(
        "GET",
        "/api/system",
        {"appVersion": TEXT, "serverTime": TEXT, "memoryUsage": TEXT, "cpuUsage": TEXT, "uptime": 0.0, "problems": []},
    ),
    Row(
        "GET",
        "/api/service-mode",
        {"mode": TEXT, "pid": NUMBER, "ppid": NUMBER, "uptime": 0.0, "canAutoRestart": FLAG, "platform": TEXT},
    ),
    Row("POST", "/api/restart-service", {**SAID, "mode": TEXT, "hint": TEXT}, status=400),
    Row("GET", "/api/usage", {"timestamp": TEXT, "serverTime": TEXT, "providers": {"openai-custom": TYPE_USAGE}}),
    Row("GET", "/api/usage/supported-providers", [TEXT]),
    Row("GET", "/api/usage/openai-custom", TYPE_USAGE, name="/api/usage/{type}"),
    Row(
        "GET",
        "/api/usage/openai-custom/a",
        {"uuid": TEXT, "serverTime": TEXT, "requests": {"total": NUMBER}},
        name="/api/usage/{type}/{uuid}",
    ),
    Row("GET", "/api/provider-models", {"openai-custom": [TEXT]}),
    Row(
        "GET",
        "/api/provider-models/openai-custom",
        {"providerType": TEXT, "models": [TEXT]},
        name="/api/provider-models/{type}",
    ),
    Row("GET", "/api/upload-configs", [FILE]),
    Row(
        "GET",
        "/api/upload-configs/view/configs%2Fprovider_pools.json",
        {"path": TEXT, "name": TEXT, "content": TEXT, "size": NUMBER, "modified": TEXT},
        name="/api/upload-configs/view/{path}",
    ),
    Row(
        "GET",
        "/api/upload-configs/download/provider_pools.json",
        "text/plain; charset=utf-8",
        name="/api/upload-configs/download/{path}",
    ),
    Row("GET", "/api/upload-configs/download-all", "application/zip"),
    Row(
        "DELETE",
        "/api/upload-configs/delete/gemini%2F1.json",
        {**SAID, "filePath": TEXT},
        prepare=credential,
        name="/api/upload-configs/delete/{path}",
    ),
    Row(
        "DELETE",
        "/api/upload-configs/delete-unbound",
        {**SAID, "deletedCount": NUMBER, "deletedFiles": [TEXT], "failedCount": NUMBER, "failedFiles": []},
        prepare=credential,
    ),
]


def mismatches(shape: Any, value: Any, place: str = "$") -> list[str]:
    """Where a value hasn't the shape."""
    match shape:
        case None:
            return []
        case dict():
            if not isinstance(value, dict):
                return [f"{place} is no object"]
            missing = [f"{place}.{name} is missing" for name in shape if name not in value]
            inner = [name for name in shape if name in value]
            return missing + [
                text for name in inner for text in mismatches(shape[name], value[name], f"{place}.{name}")
            ]
        case list():
            if not isinstance(value, list):
                return [f"{place} is no list"]
            if shape and not value:
                return [f"{place} is empty"]
            return [text for element in value for text in mismatches(shape[0], element, f"{place}[]")] if shape else []
        case float():
            return [] if isinstance(value, int | float) and not isinstance(value, bool) else [f"{place} is no number"]
        case _:
            return [] if type(value) is type(shape) else [f"{place} is {value!r}"]


def title(row: Row) -> str:
    return f"{row.method} {row.name or row.path}"


@pytest.mark.parametrize("row", ROWS, ids=title)
async def test_the_answer_has_the_shape_that_clients_know(managed: Managed, row: Row) -> None:
    async with ScriptedVendor("openai_chat") as vendor:
        entry = {"uuid": "a", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{vendor.url}/v1"}
        managed.home.pools({"openai-custom": [entry]})
        await managed.part.supervision.reload()
        if row.prepare is not None:
            row.prepare(managed)
        headers = {"authorization": f"Bearer {managed.session}"}
        sent = row.files or ({} if row.body is None else {"json": row.body})
        answer = await managed.client.request(row.method, row.path, headers=headers, **sent)

        assert answer.status_code == row.status, answer.text
        assert KEY not in answer.text
        if isinstance(row.shape, str):
            assert answer.headers["content-type"] == row.shape
        else:
            assert mismatches(row.shape, answer.json()) == []


@pytest.mark.parametrize("row", ROWS, ids=title)
async def test_nothing_is_told_without_a_session(managed: Managed, row: Row) -> None:
    if title(row) in ("POST /api/login", "GET /api/setup"):
        return
    for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": "k"}, {"cookie": "codenex_session=wrong"}):
        answer = await managed.client.request(row.method, row.path, headers=headers)
        assert answer.status_code == 401, headers
        assert mismatches({"error": {"message": TEXT, "type": TEXT, "status": NUMBER}}, answer.json()) == []


async def test_every_endpoint_has_its_row_and_its_line_in_the_documentation(managed: Managed) -> None:
    document = (ROOT / "docs/management-api.md").read_text()
    told = set(re.findall(r"^\| `([A-Z]+) ([^`]+)` \|", document, re.MULTILINE))
    schema = (await managed.get("/api/openapi.json"))["paths"]
    there = {
        (method.upper(), path.replace("{provider_type}", "{type}")) for path, ways in schema.items() for method in ways
    }
    assert there - told == set()
    refused = set(re.findall(r"^\| `([A-Z]+) ([^`]+)` \| (?:elsewhere|refused)", document, re.MULTILINE))
    assert told - refused - there == set()
    assert {(row.method, row.name or row.path) for row in ROWS} <= told


def test_shapes_can_be_missed() -> None:
    shape = {"a": TEXT, "b": [{"c": NUMBER}], "d": 0.0}
    value = json.loads('{"a": 1, "b": [{"c": 1}, {}], "d": true}')
    assert mismatches(shape, value) == ["$.a is 1", "$.b[].c is missing", "$.d is no number"]
    assert mismatches([TEXT], []) == ["$ is empty"]
    assert mismatches([TEXT], {}) == ["$ is no list"]
