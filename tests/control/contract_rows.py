"""Every endpoint of the management API as clients know it: what it takes and the shape of what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.control.managed import PASSWORD, Managed

from codenex.control.setup import password_path, setup_notice, token_path
from codenex.store.files import write_atomically

#: A value of each shape; in a list or an object of one element, every element has its shape.
TEXT, NUMBER, FLAG, ANY = "", 0, False, None
ACCOUNT = {"uuid": TEXT, "customName": ANY, "isHealthy": FLAG, "isDisabled": FLAG, "OPENAI_API_KEY": TEXT}
ERROR = {"message": TEXT, "type": TEXT, "status": NUMBER}
SUM = {"requests": NUMBER, "errors": NUMBER, "successRate": 0.0, "cost": ANY, "inputTokens": NUMBER, "latencyMs": ANY}
REQUEST = {"request_id": TEXT, "at": 0.0, "status": NUMBER, "duration_ms": 0.0, "provider": ANY, "attempts": NUMBER}
UNDO = {"id": TEXT, "seconds": NUMBER}
NAMED = {"providerType": TEXT, "uuid": TEXT}
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
    #: a value, or a function of the server that makes one
    body: Any = None
    status: int = 200
    #: what the documentation calls the path, where it has places in it
    name: str = ""
    prepare: Callable[[Managed], Any] | None = None
    files: Any = None
    #: whether it needs a database
    kept: bool = False


def credential(managed: Managed) -> None:
    managed.home.config({"refresh_token": "r" * 20}, "gemini/1.json")


def made(managed: Managed) -> None:
    """A client key."""
    managed.home.config({"keys": [{"id": "k", "name": "K", "digest": "ab" * 32}]}, "client_keys.json")


def breaking(managed: Managed) -> None:
    """A file that can't be used, with a good copy of it."""
    managed.home.config("{")
    write_atomically(managed.home.data / "last_good" / "config.json", b"{}")


def beginning_anew(managed: Managed) -> dict[str, str]:
    """What sets the password of a server that has none."""
    password_path(managed.part.settings).unlink()
    setup_notice(managed.part.settings)
    return {"token": token_path(managed.part.settings).read_text().strip(), "password": PASSWORD}


def ending_soon(managed: Managed) -> None:
    """The stream of events ends with the server, whenever it has begun."""
    managed.part.events.close()
    asyncio.get_running_loop().call_later(0.1, ending_soon, managed)


def with_client(managed: Managed) -> None:
    """An OAuth client of the operator's; the answer is waited for on a port of this test's own."""
    client = {"GEMINI_CLI_OAUTH_CLIENT_ID": "id", "GEMINI_CLI_OAUTH_CLIENT_SECRET": "client-secret-of-a-test"}
    managed.home.config(client)
    settings, problems = managed.part.supervision.evaluate()  # type: ignore[attr-defined]
    managed.part.supervision.take(settings, problems)  # type: ignore[attr-defined]


def logging_prompts(managed: Managed) -> None:
    """A prompt log in a file, with one request in it."""
    managed.home.config({"PROMPT_LOG_MODE": "file"})
    settings, problems = managed.part.supervision.evaluate()  # type: ignore[attr-defined]
    managed.part.supervision.take(settings, problems)  # type: ignore[attr-defined]
    line = b'{"time":1.5,"kind":"prompt","request_id":"r-1","content":{"model":"m"}}\n'
    write_atomically(Path(settings.prompt_log_file), line)


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
    Row("DELETE", f"{P}/a", {**SAID, "deletedProvider": {}, "undo": UNDO}, name="/api/providers/{type}/{uuid}"),
    Row(
        "POST",
        "/api/providers/bulk",
        {**SAID, "doneCount": NUMBER, "done": [NAMED], "failed": [{**NAMED, "message": TEXT}], "undo": UNDO},
        {"action": "delete", "accounts": [{"providerType": "openai-custom", "uuid": one} for one in ("a", "b")]},
    ),
    Row("POST", "/api/undo/gone", {"error": ERROR}, status=404, name="/api/undo/{undo_id}"),
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
        "/api/config/restore",
        {**SAID, "setAside": TEXT, "problems": []},
        {"file": "config.json"},
        prepare=breaking,
    ),
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
    Row("POST", "/api/setup", {"success": FLAG, "token": TEXT, "expiresIn": NUMBER}, beginning_anew),
    Row(
        "DELETE",
        "/api/sessions/0123456789abcdef",
        {"error": ERROR},
        status=404,
        name="/api/sessions/{session_id}",
    ),
    Row("GET", "/api/client-keys", {"keys": [{"id": TEXT, "name": TEXT, "spent": 0.0}]}, prepare=made),
    Row(
        "POST",
        "/api/client-keys",
        {"success": FLAG, "key": TEXT, "entry": {"id": TEXT, "name": TEXT, "created": TEXT}},
        {"name": "another"},
        201,
    ),
    Row(
        "PUT",
        "/api/client-keys/k",
        {"success": FLAG, "key": {"id": TEXT, "disabled": FLAG}},
        {"disabled": True},
        prepare=made,
        name="/api/client-keys/{key_id}",
    ),
    Row(
        "POST",
        "/api/client-keys/k/replace",
        {"success": FLAG, "key": TEXT, "entry": {"id": TEXT, "name": TEXT}},
        prepare=made,
        name="/api/client-keys/{key_id}/replace",
    ),
    Row("DELETE", "/api/client-keys/k", {"success": FLAG}, prepare=made, name="/api/client-keys/{key_id}"),
    Row(
        "GET",
        "/api/usage-statistics",
        {"by": TEXT, "since": 0.0, "until": 0.0, "rows": [SUM], "total": SUM},
        kept=True,
    ),
    Row("GET", "/api/requests", {"requests": [REQUEST], "next": ANY}, kept=True),
    Row(
        "GET",
        "/api/requests/r-1",
        {"request": REQUEST, "timeline": [{"event": TEXT, "ms": 0.0}], "lost": []},
        kept=True,
        name="/api/requests/{request_id}",
    ),
    Row(
        "GET",
        "/api/dashboard",
        {
            "since": 0.0,
            "step": NUMBER,
            "series": [{"at": NUMBER, "requests": NUMBER, "errors": NUMBER}],
            "total": SUM,
            "byProvider": [SUM],
            "active": {"workers": NUMBER, "requests": NUMBER, "connections": NUMBER},
            "accounts": {"total": NUMBER, "healthy": NUMBER, "resting": NUMBER, "disabled": NUMBER},
            "errors": [],
            "problems": [],
        },
        kept=True,
    ),
    Row(
        "GET",
        "/api/requests/r-1/bodies",
        {"prompt": {"at": 0.0, "content": {"model": TEXT}, "cut": FLAG}, "answer": ANY},
        prepare=logging_prompts,
        name="/api/requests/{request_id}/bodies",
    ),
    Row("GET", "/api/system/download-log", "application/x-ndjson", kept=True),
    Row("GET", "/api/events", "text/event-stream; charset=utf-8", prepare=ending_soon),
    Row(
        "POST",
        "/api/translate",
        {"source": TEXT, "model": TEXT, "hub": {}, "translations": [{"provider": TEXT, "losses": [], "url": TEXT}]},
        {"from": "chat", "body": {"model": "m", "messages": [{"role": "user", "content": "hi"}]}},
    ),
    Row(
        "POST",
        "/api/providers/gemini-cli-oauth/generate-auth-url",
        {"success": FLAG, "authUrl": TEXT, "authInfo": {"provider": TEXT, "redirectUri": TEXT, "port": NUMBER}},
        prepare=with_client,
        name="/api/providers/{type}/generate-auth-url",
    ),
    Row(
        "POST",
        "/api/oauth/manual-callback",
        {"error": ERROR},
        {"provider": "gemini-cli-oauth", "callbackUrl": "http://localhost:8085/?code=a&state=b"},
        409,
    ),
]
