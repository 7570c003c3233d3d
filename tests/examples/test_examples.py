"""Every example of the documentation runs as written, against the demo and against scripted vendors."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from tests.support.gateway import KEY, account_for, running_gateway, settings_for
from tests.support.vendor import ScriptedVendor

ROOT = Path(__file__).parents[2]
NODE = ROOT / "tests" / "node"
_FENCE = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Answers that follow a schema need a model, or the demo: a scripted vendor says what it is told to.
DEMO_ONLY = {"demo"}


def blocks(document: str) -> list[tuple[str, str | None, str]]:
    text = (ROOT / document).read_text()
    return [(match[1], match[2], match[3]) for match in _FENCE.finditer(text)]


EXAMPLES = [
    pytest.param(language, flag, code, id=f"{Path(document).stem}-{number}")
    for document in ("README.md", "docs/examples/curl.md", "docs/examples/python.md", "docs/examples/node.md")
    for number, (language, flag, code) in enumerate(blocks(document), 1)
    if flag != "setup" and language in ("sh", "python", "js")
]


def command(language: str, code: str) -> list[str]:
    match language:
        case "sh":
            return ["bash", "-eo", "pipefail", "-c", code]
        case "python":
            return [sys.executable, "-c", code]
        case _:
            return ["node", "--input-type=module", "-e", code]


async def run(port: int, language: str, code: str) -> str:
    code = code.replace("127.0.0.1:3000", f"127.0.0.1:{port}")
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "CODENEX_API_KEY": KEY}
    process = await asyncio.create_subprocess_exec(
        *command(language, code),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=NODE if language == "js" else ROOT,
        env=environment,
    )
    out, err = await asyncio.wait_for(process.communicate(), 50)
    assert process.returncode == 0, f"{out.decode()[-2000:]}\n{err.decode()[-3000:]}"
    assert out.strip()
    return out.decode()


def test_there_is_something_to_run():
    assert len(EXAMPLES) > 25


@pytest.mark.parametrize(("language", "flag", "code"), EXAMPLES)
async def test_against_the_demo(language, flag, code):
    async with running_gateway() as gateway:
        await run(gateway.port, language, code)
        assert all(record.status < 500 for record in gateway.records if record.notes.get("provider") != "gemini-custom")


@pytest.mark.parametrize("upstream", ["openai_chat", "openai_responses", "anthropic", "gemini"])
@pytest.mark.parametrize("kind", ["curl-5", "python-1", "python-2", "node-1", "node-3", "node-4"])
async def test_against_scripted_vendors(upstream, kind):
    language, _, code = next(example.values for example in EXAMPLES if example.id == kind)
    async with ScriptedVendor(upstream, models=["gpt-5.4-mini"]) as vendor:
        account = account_for(vendor, aliases=dict.fromkeys(("none",), "none"))
        async with running_gateway(settings_for(account)) as gateway:
            await run(gateway.port, language, code)
            assert vendor.requests
            assert not vendor.problems
