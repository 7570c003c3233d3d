"""A gateway to which everybody who can says payloads: the operator's files, clients, upstreams and Google."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.google.accounts import fresh
from tests.google.logging_in import settings
from tests.support.client import RawClient
from tests.support.google.server import ScriptedGoogle
from tests.support.replies import Reply
from tests.support.scenario import Reasoning, Scenario, Text, ToolCall
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName
from tests.web.site import WebSite, web_site

#: Protocol → the provider type that speaks it, its names of key and base URL, and what follows the vendor's address.
TYPES: Final[dict[ProtocolName, tuple[str, str, str, str]]] = {
    "anthropic": ("claude-custom", "CLAUDE_API_KEY", "CLAUDE_BASE_URL", ""),
    "openai_chat": ("openai-custom", "OPENAI_API_KEY", "OPENAI_BASE_URL", "/v1"),
    "openai_responses": ("openaiResponses-custom", "OPENAI_API_KEY", "OPENAI_BASE_URL", "/v1"),
    "gemini": ("gemini-custom", "GEMINI_API_KEY", "GEMINI_API_BASE_URL", ""),
}


class HostileVendor(ScriptedVendor):
    """A vendor that takes any key and any request, and answers with payloads."""

    def _refusal(self, request: Request) -> Reply | None:
        return None

    def speaks(self, payload: str) -> None:
        """Think, say, call and end with a payload from now on."""
        call = ToolCall(f"{self.dialect.call_prefix}1", payload, json.dumps({"x": payload}))
        self.scenario = Scenario(parts=(Reasoning(payload), Text(payload), call), finish="tool_calls")

    def refuses(self, payload: str, kind: str = "bad_key") -> None:
        """Answer the next request with an error whose words are a payload."""
        self.answer_next(self.dialect.errors.error(kind, payload))


@dataclass
class Hostile:
    """``vendors`` by protocol; ``payloads`` are those that were planted."""

    site: WebSite
    google: ScriptedGoogle
    vendors: dict[ProtocolName, HostileVendor]
    payloads: Sequence[str]

    async def ask(self, number: int) -> None:
        """Ask for the model that is a payload, with the key that is called so and a field that is; be refused so."""
        payload = self.payloads[number]
        vendor = self.vendors["anthropic"]
        body = {"model": payload, "messages": [{"role": "user", "content": payload}], payload: 1}
        headers = {"authorization": f"Bearer {secret_of(number)}", "x-request-id": f"request-{number}"}
        vendor.refuses(payload)
        async with await RawClient.connect(self.site.server.port) as client:
            answer = await client.ask("POST", "/v1/chat/completions", body, headers)
        assert answer.json["error"]["message"] == payload, answer.body


def secret_of(number: int) -> str:
    """The client key that is called like a payload."""
    return f"cdx-hostile-{number}"


def account_of(number: int) -> str:
    """The uuid of the account that is called like a payload."""
    return str(uuid.UUID(int=number + 1))


def file_of(payload: str) -> str:
    """A file's name that is like a payload; a slash would make it a folder."""
    return payload.replace("/", "\t") + ".json"


def _pools(vendors: dict[ProtocolName, HostileVendor], payloads: Sequence[str]) -> dict[str, Any]:
    pools: dict[str, Any] = {}
    for protocol, vendor in vendors.items():
        type_, key, url, path = TYPES[protocol]
        plain = {
            "uuid": f"plain-{protocol}",
            key: "k",
            url: vendor.url + path,
            "supportedModels": [f"plain-{protocol}"],
        }
        pools[type_] = [plain]
    type_, key, url, _ = TYPES["anthropic"]
    pools[type_] += [
        {
            "uuid": account_of(number),
            "customName": payload,
            key: f"upstream-{number}",
            url: vendors["anthropic"].url,
            "supportedModels": [payload],
            "checkModelName": payload,
            "notes": payload,
        }
        for number, payload in enumerate(payloads)
    ]
    return pools


def _write(folder: Path, google: ScriptedGoogle, payloads: Sequence[str]) -> None:
    """The operator's files: keys, aliases, files of any name with any content, and a login at Google."""
    configs = folder / "configs"
    (configs / "gemini").mkdir(parents=True)
    (configs / "gemini" / "oauth_creds.json").write_text(json.dumps(fresh(google, email=payloads[0])))
    keys = [
        {
            "id": f"key-{number}",
            "name": payload,
            "digest": hashlib.sha256(secret_of(number).encode()).hexdigest(),
            "created": "2026-01-01T00:00:00+00:00",
            "models": [payload],
        }
        for number, payload in enumerate(payloads)
    ]
    (configs / "client_keys.json").write_text(json.dumps({"keys": keys}))
    aliases = {payload: f"claude-custom/{payload}" for payload in payloads}
    (configs / "config.json").write_text(json.dumps({"modelAliases": aliases}))
    for number, payload in enumerate(payloads):
        # Every other one is no JSON, which an error says.
        content = json.dumps({"note": payload}) if number % 2 else "{" + payload
        (configs / file_of(payload)).write_text(content)


@asynccontextmanager
async def hostile_site(folder: Path, payloads: Sequence[str]) -> AsyncIterator[Hostile]:
    """A gateway whose files, upstreams and Google all say payloads; no request has been sent yet."""
    async with AsyncExitStack() as stack:
        google = await stack.enter_async_context(ScriptedGoogle())
        google.quota_models = tuple(payloads)
        vendors = {
            protocol: await stack.enter_async_context(HostileVendor(protocol, models=list(payloads), validate=False))
            for protocol in TYPES
        }
        _write(folder, google, payloads)
        environment = {name: str(value) for name, value in settings(google).items() if name != "REQUIRED_API_KEY"}
        site = await stack.enter_async_context(
            web_site(folder, pools=_pools(vendors, payloads), environment=environment)
        )
        yield Hostile(site, google, vendors, payloads)
