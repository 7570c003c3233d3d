"""The SDKs of all four client protocols at the stand-in for the CLI; the real one is for `make e2e-claude-code`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.e2e_claude_code.programs import by_the_cli
from tests.matrix.cases import CASES
from tests.matrix.clients import CLIENTS, client_of
from tests.matrix.test_matrix import check
from tests.support.fake_cli import FakeCli, answering, settings
from tests.support.gateway import running_gateway

NAMES = {
    "text",
    "multi-turn",
    "parallel tools",
    "parallel tool results",
    "tool result with a picture",
    "PDF",
    "JSON schema",
    "reasoning",
    "usage with cache",
}


@pytest.mark.parametrize(
    "stream", [pytest.param(False, marks=pytest.mark.deep, id="unary"), pytest.param(True, id="stream")]
)
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_client(client: str, stream: bool, tmp_path: Path) -> None:
    cli = FakeCli(tmp_path)
    async with running_gateway(settings(cli.account())) as gateway:
        for case in CASES:
            if case.name in NAMES:
                usage = case.scenario.usage
                told = {
                    "input_tokens": usage.input_fresh,
                    "cache_read_input_tokens": usage.cache_read,
                    "cache_creation_input_tokens": usage.cache_write,
                    "output_tokens": usage.output_total,
                }
                cli.script(*answering(by_the_cli(case), usage=told))
                async with client_of(client, gateway, "sonnet") as sdk:
                    check(case, client, "anthropic", await sdk.run(case.ask, stream))
                heard = cli.heard[-1]
                sent = json.dumps([heard.greeting, heard.conversation, heard.tools], ensure_ascii=False)
                for text in case.seen:
                    assert text in sent
    assert len(cli.pids) == len(NAMES)
