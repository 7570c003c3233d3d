"""The playground asks in each of the four protocols: text, tools and their results, images, schemas; all is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.web.site import View, WebSite, web_site

TIMEOUT = 15_000
#: Protocol → its name in the form, and an event of each stream.
PROTOCOLS = {
    "openai-chat": ("OpenAI Chat", "data"),
    "openai-responses": ("OpenAI Responses", "response.completed"),
    "anthropic": ("Claude Messages", "message_stop"),
    "gemini": ("Gemini", "data"),
}


async def opened(site: WebSite, protocol: str) -> View:
    """The playground in a protocol, with a key and the options open."""
    view = await site.view()
    await view.open(f"playground?protocol={protocol}")
    await view.page.get_by_label("Client key", exact=True).fill(await site.key())
    await view.page.get_by_role("button", name="Options").click()
    return view


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message").fill(text)
    await page.keyboard.press("Control+Enter")


async def talks(page: Page, event: str) -> None:
    """A plain answer, its provider, its times, its events."""
    log = page.get_by_role("log")
    await say(page, "Hello")
    await expect(log).to_contain_text("simulated answer of the demo provider", timeout=TIMEOUT)
    await expect(log).to_contain_text("You said: “Hello”", timeout=TIMEOUT)
    await expect(page.get_by_test_id("outcome")).to_contain_text("by demo")
    await expect(page.get_by_test_id("outcome")).to_contain_text("done after")
    await expect(page.get_by_test_id("outcome")).to_contain_text("finish: ")
    table = page.get_by_role("table", name="Events")
    assert int(await table.get_attribute("aria-rowcount") or 0) > 3
    await page.get_by_role("region", name="Events").evaluate("node => node.scrollTo(0, node.scrollHeight)")
    await expect(table.get_by_role("button", name=event, exact=True).last).to_be_visible()


async def calls_a_tool(page: Page) -> None:
    """A call, the result that is written by hand, and the answer after it."""
    log = page.get_by_role("log")
    await page.get_by_role("button", name="New conversation").click()
    await page.get_by_role("button", name="Weather example").click()
    await say(page, "What is the weather in Paris?")
    await expect(log).to_contain_text("Calls get_weather", timeout=TIMEOUT)
    await page.get_by_label("Result of get_weather").fill('{"sky": "clear"}')
    await page.get_by_role("button", name="Send the results").click()
    await expect(log.get_by_text("Answer", exact=True)).to_have_count(2, timeout=TIMEOUT)
    await expect(log).to_contain_text("clear")
    await page.get_by_label("Tools (JSON)").fill("")


async def sees_an_image_and_keeps_to_a_schema(page: Page) -> None:
    log = page.get_by_role("log")
    await page.get_by_role("button", name="New conversation").click()
    await page.get_by_role("button", name="Add a sample image").click()
    await say(page, "What is that?")
    await expect(log).to_contain_text("image/png", timeout=TIMEOUT)
    await page.get_by_role("button", name="New conversation").click()
    await page.get_by_role("button", name="Person example").click()
    await say(page, "Who?")
    await expect(log).to_contain_text('"age"', timeout=TIMEOUT)


async def test_one_protocol_from_the_first_word_to_the_translation(tmp_path: Path) -> None:
    async with web_site(tmp_path) as site:
        view = await opened(site, "anthropic")
        page = view.page
        await talks(page, "message_stop")
        await calls_a_tool(page)

        await page.get_by_label("Temperature").fill("0.5")
        await page.get_by_role("tab", name="Request", exact=True).click()
        await page.get_by_role("button", name="Edit this request").click()
        edited = page.get_by_label(f"POST {site.server.url}/v1/messages")
        body = json.loads(await edited.input_value())
        assert body["temperature"] == 0.5
        assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user", "assistant"]
        await edited.fill("{")
        await expect(page.get_by_text("This is no valid JSON.")).to_be_visible()
        body["messages"] = [{"role": "user", "content": "Only by hand"}]
        body["top_k"] = 5
        await edited.fill(json.dumps(body))
        await page.get_by_role("tabpanel").get_by_role("button", name="Send").click()
        await expect(page.get_by_role("log")).to_contain_text("You said: “Only by hand”", timeout=TIMEOUT)

        await page.get_by_role("tab", name="In all four protocols").click()
        shown = page.get_by_role("tabpanel").last
        await expect(page.get_by_role("tab", name="Claude Messages")).to_be_visible(timeout=TIMEOUT)
        await page.get_by_role("tab", name="OpenAI Chat").click()
        await expect(shown).to_contain_text("/chat/completions")
        await expect(shown).to_contain_text("top_k")
        await expect(shown).to_contain_text("Only by hand")
        assert view.problems == []


@pytest.mark.deep
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_everything_in_every_protocol(tmp_path: Path, protocol: str) -> None:
    async with web_site(tmp_path) as site:
        view = await opened(site, protocol)
        await talks(view.page, PROTOCOLS[protocol][1])
        await calls_a_tool(view.page)
        await sees_an_image_and_keeps_to_a_schema(view.page)
        assert await view.accessibility() == []
        assert view.problems == []
