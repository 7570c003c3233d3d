"""The page of the documentation in a real browser: from an allowed origin, from another one, and with every vendor."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.examples.checkout import checkout
from tests.examples.documents import block
from tests.examples.running import PORT
from tests.examples.scripted import MODELS, ExampleVendor, heard
from tests.support.browser import chromium
from tests.support.gateway import KEY, account_for, running_gateway, settings_for
from tests.support.ports import free_port
from tests.support.process import ServerProcess
from tests.support.replies import Unary, sliced
from tests.support.upstream import ScriptedUpstream
from tests.support.vendors.dialects import DIALECTS, ProtocolName

PAGE = block("browser-page").code
SITE = "127.0.0.1:8000"
DEMO = "This is the simulated answer of the demo provider. You said: “Hello”."

#: Reads a stream as the simplest page would, which takes every read for whole events and parses it at once.
SIMPLE_READER = """async ([url, key]) => {
  const body = JSON.stringify({ model: "gpt-5.4-mini", messages: [{ role: "user", content: "Hello" }], stream: true });
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body });
  const reader = response.body.getReader();
  const texts = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return texts.join("");
    for (const line of new TextDecoder("utf-8", { fatal: true }).decode(value).split("\\n")) {
      if (!line.startsWith("data: {")) continue;
      texts.push(JSON.parse(line.slice("data: ".length)).choices[0]?.delta?.content ?? "");
    }
  }
}"""


def page_for(port: int) -> bytes:
    return PAGE.replace(PORT, f"127.0.0.1:{port}").encode()


async def submit(page: Page, button: str, key: str = KEY, question: str = "Hello") -> None:
    await page.get_by_label("Key").fill(key)
    await page.get_by_label("Question").fill(question)
    await page.get_by_role("button", name=button, exact=True).click()


async def shows(page: Page, answer: str, provider: str) -> None:
    await expect(page.locator("#provider")).to_have_text(provider, timeout=10_000)
    await expect(page.locator("#answer")).to_contain_text(answer, timeout=10_000)


async def test_the_page_as_the_document_says(tmp_path: Path) -> None:
    port, site_port = free_port(), free_port()
    folder, site = checkout(tmp_path / "checkout"), tmp_path / "site"
    site.mkdir()
    (site / "ask.html").write_bytes(page_for(port))
    origin = f"127.0.0.1:{site_port}"
    serve = block("browser-serve").code.replace(SITE, origin)
    publish = block("browser-page-server").code.replace(" 8000 ", f" {site_port} ")
    assert origin in serve
    gateway = ServerProcess(
        folder, command=lambda _: ["bash", "-ec", serve], port=port, environment={"SERVER_PORT": str(port)}
    )
    pages = ServerProcess(site, command=lambda _: ["bash", "-ec", publish], port=site_port, health=None)
    async with gateway, pages, chromium() as browser:
        key = (folder / "configs" / "api_key").read_text().strip()
        page = await browser.new_page()
        await page.goto(f"http://{origin}/ask.html")
        for button in ("Ask", "Stream"):
            await submit(page, button, key)
            await shows(page, DEMO, "Answered by demo.")
        await submit(page, "Ask", "wrong-key")
        await expect(page.locator("#provider")).to_contain_text("No answer: ")
        await expect(page.locator("#provider")).to_contain_text("key")

        told: list[str] = []
        stranger = await browser.new_page()
        stranger.on("console", lambda message: told.append(message.text))
        await stranger.goto(f"http://localhost:{site_port}/ask.html")
        for button in ("Ask", "Stream"):
            await submit(stranger, button, key)
            await shows(stranger, "", "No answer: Failed to fetch")
            assert await stranger.locator("#answer").text_content() == ""
        assert any("blocked by CORS policy" in text for text in told)
        assert "chat/completions" in "".join(told)


@pytest.mark.parametrize("upstream", DIALECTS)
async def test_the_page_with_vendors(upstream: ProtocolName) -> None:
    async with ExampleVendor(upstream) as vendor, ScriptedUpstream() as site, chromium() as browser:
        # Every event of the vendor comes in many pieces; what the browser gets are whole ones all the same.
        vendor.distort = lambda reply: sliced(reply, 5)
        account = account_for(vendor, aliases=dict.fromkeys(MODELS, vendor.dialect.default_model))
        settings = settings_for(account, cors_origins=(site.url,))
        async with running_gateway(settings) as gateway:
            site.on("GET", "/", Unary(page_for(gateway.port), headers=[("content-type", "text/html; charset=utf-8")]))
            site.on("GET", "/favicon.ico", Unary(b"", 204))
            page = await browser.new_page()
            await page.goto(site.url)
            for button, question in (("Ask", "Hello"), ("Stream", "Grüße 👩‍👩‍👧 漢字 " * 20)):
                await submit(page, button, question=question)
                await shows(page, heard(f"user: {question.strip()}")[:-1], f"Answered by {account.provider}.")
            assert vendor.dialect.streams(vendor.generated[-1])
            url = f"{gateway.url}/v1/chat/completions"
            assert await page.evaluate(SIMPLE_READER, [url, KEY]) == heard("user: Hello")
            assert {record.status for record in gateway.records if record.method == "POST"} == {200}
    assert not vendor.problems
