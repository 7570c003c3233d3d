"""A gateway that has been in use: accounts at scripted vendors (good, ailing and switched off), keys, and requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.client import RawClient
from tests.support.ports import free_port
from tests.support.requests import BODIES, GENERATE
from tests.support.vendor import KEY, ScriptedVendor
from tests.web.site import WebSite, web_site

#: Models of the scripted vendors, under which the requests are told apart.
CLAUDE, CHAT = "claude-sonnet-4-5", "gpt-5.4-mini"


@dataclass
class Scene:
    """``anthropic`` and ``chat`` are the vendors behind the accounts."""

    site: WebSite
    anthropic: ScriptedVendor
    chat: ScriptedVendor

    async def ask(
        self, model: str = CLAUDE, text: str = "Hello", key: str | None = None, *, stream: bool = False
    ) -> int:
        """Send one request as a client of the OpenAI Chat API; return its status."""
        messages = [{"role": "user", "content": text}]
        body = {**BODIES["openai_chat"], "model": model, "messages": messages, "stream": stream}
        headers = {"authorization": f"Bearer {key or await self.site.key()}"}
        async with await RawClient.connect(self.site.server.port) as client:
            return (await client.ask("POST", GENERATE["openai_chat"], body, headers)).status


def pools_at(anthropic: ScriptedVendor, chat: ScriptedVendor) -> dict[str, Any]:
    """Accounts of two provider types: three that work, one whose upstream is gone, one that is switched off."""
    claude = {"CLAUDE_API_KEY": KEY, "CLAUDE_BASE_URL": anthropic.url, "supportedModels": [CLAUDE]}
    openai = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{chat.url}/v1", "supportedModels": [CHAT]}
    gone = f"http://127.0.0.1:{free_port()}"
    return {
        "claude-custom": [
            {**claude, "uuid": "11111111-0000-4000-8000-000000000001", "customName": "Team account"},
            {**claude, "uuid": "11111111-0000-4000-8000-000000000002", "customName": "Second account"},
            {**claude, "uuid": "11111111-0000-4000-8000-000000000003", "customName": "Gone", "CLAUDE_BASE_URL": gone},
        ],
        "openai-custom": [
            {**openai, "uuid": "22222222-0000-4000-8000-000000000001", "customName": "Main"},
            {**openai, "uuid": "22222222-0000-4000-8000-000000000002", "customName": "Spare", "isDisabled": True},
        ],
    }


@asynccontextmanager
async def used_site(
    folder: Path, requests: int = 24, environment: Mapping[str, str] | None = None, *, accounts: int = 0
) -> AsyncIterator[Scene]:
    """A gateway after ``requests`` requests to two models, some of which failed; with so many accounts more, a third of
    which are off."""
    async with ScriptedVendor("anthropic", models=[CLAUDE]) as anthropic, ScriptedVendor("openai_chat") as chat:
        pools = pools_at(anthropic, chat)
        pools["openai-custom"] += [
            {
                "uuid": f"33333333-0000-4000-8000-{number:012d}",
                "customName": f"Account {number} with a name that is rather longer than its column",
                "OPENAI_API_KEY": f"k{number}",
                "supportedModels": ["another"],
                "isDisabled": number % 3 == 0,
            }
            for number in range(accounts)
        ]
        async with web_site(folder, pools=pools, environment=environment) as site:
            scene = Scene(site, anthropic, chat)
            for name, limits in (
                ("Alice", {"requestsPerMinute": 600}),
                ("Build server", {"budget": {"amount": 20, "period": "month"}, "models": [CLAUDE]}),
                ("Old laptop", {"disabled": True}),
            ):
                made = await site.call("POST", "/api/client-keys", {"name": name, **limits})
                assert made.status == 201, made.body
            for number in range(requests):
                if number % 8 == 7:
                    chat.fail_next("internal")
                await scene.ask(CLAUDE if number % 2 else CHAT, f"Question {number}", stream=number % 3 > 0)
            yield scene
