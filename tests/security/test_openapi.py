"""The management API against its own document, with requests that nobody has thought of."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from tests.processes.site import Site
from tests.security.generated import LEFT_OUT, tried
from tests.support.vendor import ScriptedVendor

#: Where everything else that is dialled leads: a port of loopback on which nobody listens.
NOWHERE = "http://127.0.0.1:9"
PROXIES = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE) | {"no_proxy": "127.0.0.1"}
EXAMPLES = pytest.param(2, id="few", marks=pytest.mark.timeout(180))
MANY = pytest.param(300, id="many", marks=[pytest.mark.deep, pytest.mark.timeout(7200)])


async def described(site: Site) -> dict[str, Any]:
    """The document, in which the settings have their own schema, and changes of them are only tried: a random folder or
    port would be the end of the test."""
    _, document = await site.api("GET", "/api/openapi.json")
    _, fields = await site.api("GET", "/api/config/schema")
    update = document["paths"]["/api/config"]["post"]
    document["components"]["schemas"].update(fields.pop("$defs", {}))
    update["requestBody"]["content"]["application/json"]["schema"] = fields
    (dry_run,) = [parameter for parameter in update["parameters"] if parameter["name"] == "dry_run"]
    dry_run.update(required=True, schema={"enum": ["1", "true"]})
    for ways in document["paths"].values():
        for operation in ways.values():
            # No revision fits by chance, so that nothing would ever be changed.
            given = operation.get("parameters", [])
            operation["parameters"] = [parameter for parameter in given if parameter["name"] != "if-match"]
    return document  # type: ignore[no-any-return]


@pytest.mark.parametrize("examples", [EXAMPLES, MANY])
async def test_no_request_finds_an_error_or_an_answer_that_is_not_described(tmp_path: Path, examples: int) -> None:
    settings = {f"USE_SYSTEM_PROXY_{family}": True for family in ("GEMINI", "OPENAI", "CLAUDE")}
    settings |= {"GOOGLE_OAUTH_TOKEN_URL": NOWHERE, "GOOGLE_USERINFO_URL": NOWHERE, "OPENAI_BASE_URL": f"{NOWHERE}/v1"}
    async with (
        ScriptedVendor("openai_chat", validate=False, models=["m"]) as vendor,
        Site(tmp_path, vendor, standalone=True, environment=PROXIES, **settings) as site,
    ):
        await site.log_in()
        _, made = await site.api("POST", "/api/client-keys", {"name": "first"})
        document = await described(site)
        known = {
            "provider_type": ["openai-custom", "claude-custom", "gemini-cli-oauth"],
            "type": ["openai-custom"],
            "uuid": ["account-0"],
            "key_id": [made["entry"]["id"]],
            "path": ["provider_pools.json", "config.json", "gemini/none.json"],
        }
        found = await asyncio.to_thread(tried, document, site.url, site.session, known, examples)
        assert (await site.api("GET", "/api/system"))[0] == 200, "the session is still open"
    ways = sum(len(operations) for operations in document["paths"].values())
    assert len({label for label, _ in found.statuses}) == ways - len(LEFT_OUT)
    if os.environ.get("CODENEX_DEEP") == "1":
        print(found.sent, "requests")
    assert {status for _, status in found.statuses} >= {200, 201, 404, 422}
    assert "\n".join(found.mistakes[:20]) == ""
    assert "Traceback" not in site.text
