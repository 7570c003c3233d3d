"""``POST /api/translate``: shows a translation to an admin, sends nothing."""

from __future__ import annotations

import json
from pathlib import Path

from tests.control.site import running_site

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "seed": 7}


async def test_it_shows_a_translation(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        await site.set_up()
        answer = await site.ask("POST", "/api/translate", {"from": "chat", "body": CHAT}, site.bearer)
        shown = json.loads(answer.body)

        assert answer.status == 200
        assert [one["protocol"] for one in shown["translations"]] == [
            *("openai-chat", "openai-responses", "anthropic", "gemini")
        ]
        assert shown["translations"][2]["losses"][0]["path"] == "seed"

        one = await site.ask("POST", "/api/translate", {"from": "chat", "to": "gemini", "body": CHAT}, site.bearer)
        assert [one["provider"] for one in json.loads(one.body)["translations"]] == ["gemini-custom"]


async def test_mistakes_are_told(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        await site.set_up()
        unknown = await site.ask("POST", "/api/translate", {"from": "telnet", "body": CHAT}, site.bearer)
        assert unknown.status == 400
        assert "known are" in json.loads(unknown.body)["error"]["message"]
        broken = await site.ask("POST", "/api/translate", {"from": "chat", "body": {"messages": 1}}, site.bearer)
        assert broken.status == 400
        assert (await site.ask("POST", "/api/translate", {"from": "chat"}, site.bearer)).status == 422
        assert (await site.ask("POST", "/api/translate", {"from": "chat", "body": CHAT})).status == 401
