"""Texts that want to be more than texts, in every field that somebody outside can influence and a page shows: each is
shown as it is, none runs, none makes an element, and none asks somebody else.

Where they come in: the names, notes, models and keys in the operator's files, and the names and contents of these
files; models, fields and request ids of clients; errors, lists of models, thoughts, texts and calls of upstreams, in
all four protocols; Google's quotas, errors and addresses; the address of a page. Where they come out: every page,
panel, tooltip, message, dialogue and list of choices that shows one of them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page, expect
from tests.support.client import RawClient
from tests.support.scenario import say
from tests.support.vendors.dialects import ProtocolName
from tests.web.hostile import TYPES, file_of
from tests.web.payloads import PAYLOADS, readable
from tests.web.seen import TIMEOUT, looking, open_account
from tests.web.site import PAGES

PROTOCOLS: dict[ProtocolName, str] = {
    "anthropic": "anthropic",
    "openai_chat": "openai-chat",
    "openai_responses": "openai-responses",
    "gemini": "gemini",
}
pytestmark = [pytest.mark.deep, pytest.mark.timeout(900)]


async def test_pages_and_lists(tmp_path: Path) -> None:
    async with looking(tmp_path, PAYLOADS) as (_hostile, seen):
        page, names = seen.page, [" ".join(file_of(one).split()) for one in PAYLOADS]
        await seen.view.open("dashboard")
        await seen.shows("dashboard: names of accounts", *PAYLOADS[:59])
        for number in range(59):
            name = PAYLOADS[number]
            dot = page.get_by_role("link", name=f"{name}: resting", exact=True)
            await seen.points_at("dashboard: an account's error", dot, f"{name}: resting · {name}")
        await seen.shows("dashboard: models of errors", *PAYLOADS[-5:])
        for path in ("requests", "requests?status=error", "requests?search=ran"):
            await seen.go(path)
            await seen.lists(f"{path}: models and accounts", "Requests")
        for label in ("Model", "Client key"):
            await page.get_by_role("combobox", name=label).click()
            await seen.shows(f"requests: choices of {label}")
            await page.keyboard.press("Escape")
        for by in ("model", "account", "key"):
            await seen.go(f"usage?by={by}")
            await seen.lists(f"usage by {by}", "Sums")
        # Google's names of models, as the server makes them readable.
        models = tuple(payload.replace("_", " ") for payload in PAYLOADS)
        await seen.lists("usage: Google's quotas", "Quotas of accounts", models)
        await seen.go("providers")
        await seen.lists("providers: names and errors", "Providers")
        await seen.go("keys")
        await seen.lists("keys: names", "Client keys")
        await seen.go("files")
        await seen.lists("files: names", "Files", tuple(names))
        await seen.go("events")
        await seen.lists("events", "Events")
        await seen.go("configuration")
        await seen.shows("configuration: a form")
        await seen.go("configuration?view=json")
        await seen.shows("configuration: JSON")
        for path, label in (("playground", "Model"), ("start", "Model")):
            await seen.go(path)
            await page.get_by_role("combobox", name=label).fill("ran=1")
            await seen.shows(f"{path}: choices of models", *PAYLOADS[:20])


async def test_the_address_of_a_page(tmp_path: Path) -> None:
    async with looking(tmp_path, PAYLOADS, asked=False) as (_hostile, seen):
        await seen.view.open("dashboard")
        encoded = "text => encodeURIComponent(text)"
        for payload in PAYLOADS:
            text = await seen.page.evaluate(encoded, payload)
            # All filters at once: each shows as a field, or as what is narrowed to.
            names = ("account", "protocol", "error", "model", "provider", "key", "search")
            for page, some in (("requests", names), ("usage", names[:2] + names[3:6])):
                await seen.go(f"{page}?" + "&".join(f"{name}={text}" for name in some))
                await seen.shows(f"{page}?", payload)
                read = await readable(seen.view)
                assert read.count(" ".join(payload.split())) >= len(some), (page, payload, read)
            for path in ("providers?q=", "files?q=", "events?q=", "configuration?q=", "playground?model="):
                await seen.go(path + text)
                await seen.shows(path, payload)
            for path in ("requests?id=", "files?file=", "events?kinds=", "playground?protocol=", "dashboard?hours="):
                await seen.go(path + text)
        for payload in PAYLOADS[::20]:
            # Loaded, so that the server sees it as well.
            await seen.page.goto(f"{seen.view.url}/ui/{await seen.page.evaluate(encoded, payload)}")
            await seen.page.goto(f"{seen.view.url}/ui/requests?search={await seen.page.evaluate(encoded, payload)}")
            await seen.view.settled()
            await seen.shows("loaded", payload)


async def test_panels_of_accounts(tmp_path: Path) -> None:
    async with looking(tmp_path, PAYLOADS) as (hostile, seen):
        page, panel = seen.page, seen.page.get_by_role("dialog")
        await seen.view.open("providers")
        for number, payload in enumerate(PAYLOADS):
            await page.get_by_label("Search").fill(payload)
            await open_account(seen, number)
            await expect(panel.get_by_role("heading", name=payload, exact=True)).to_be_visible()
            await expect(panel.get_by_text(f"Last error: {payload}", exact=True)).to_be_visible()
            await expect(panel.locator(".mantine-Pill-root").get_by_text(payload, exact=True)).to_be_visible()
            fields = json.loads(await panel.get_by_label("All fields (JSON)").input_value())
            assert [fields[name] for name in ("customName", "notes", "checkModelName")] == [payload] * 3
            hostile.vendors["anthropic"].refuses(payload)
            await panel.get_by_role("button", name="Test", exact=True).click()
            message = page.get_by_role("alert").or_(page.locator(".mantine-Notification-root")).last
            await expect(message).to_contain_text(f"{payload}: does not work. ", timeout=TIMEOUT)
            assert (await message.inner_text()).count(payload) == 2, "the name, and the upstream's words"
            await message.get_by_role("button").click()
            await seen.closed()
        await page.get_by_label("Search").fill("plain-openai_chat")
        await page.get_by_role("button", name="Edit plain-openai_chat", exact=True).click()
        await panel.get_by_role("button", name="Detect models").click()
        await expect(page.get_by_text("100 models found and kept")).to_be_visible(timeout=TIMEOUT)
        await page.get_by_role("button", name="Edit plain-openai_chat", exact=True).click()
        await expect(panel.locator(".mantine-Pill-root")).to_have_count(100, timeout=TIMEOUT)
        await seen.shows("an account's models, from its upstream's list")


async def deleted_and_back(page: Page, name: str) -> None:
    """Delete what a panel shows, and take it back; both are told with its name."""
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    messages = page.locator(".mantine-Notification-root")
    deleted = messages.filter(has_text="deleted").filter(has_text=name)
    await expect(deleted).to_be_visible(timeout=TIMEOUT)
    await deleted.get_by_role("button", name="Undo").click()
    back = messages.filter(has_text=name).filter(has_not_text="deleted")
    await expect(back).to_be_visible(timeout=TIMEOUT)
    await back.get_by_role("button").click()


async def test_panels_of_requests_keys_files_and_events(tmp_path: Path) -> None:
    async with looking(tmp_path, PAYLOADS) as (_hostile, seen):
        page, panel = seen.page, seen.page.get_by_role("dialog")
        await seen.view.open("requests")
        for number, payload in enumerate(PAYLOADS):
            await seen.go(f"requests?id=request-{number}")
            facts = panel.get_by_role("row")
            for name in ("Account", "Client key"):
                await expect(facts.filter(has=page.get_by_role("rowheader", name=name, exact=True))).to_contain_text(
                    payload
                )
            await expect(panel.get_by_text(f"claude-custom · {payload} · {payload}", exact=True)).to_be_visible()
            await expect(facts.filter(has_text="the target has no such field")).to_contain_text(payload)
        await seen.go("keys")
        for number, payload in enumerate(PAYLOADS):
            row = page.get_by_role("button", name=f"Edit {payload}", exact=True)
            for _ in range(20):
                if await row.count():
                    break
                await page.get_by_role("region", name="Client keys").evaluate("node => node.scrollBy(0, 400)")
                await page.wait_for_timeout(30)
            await row.click()
            await expect(panel.get_by_role("heading", name=payload, exact=True)).to_be_visible()
            await expect(panel.get_by_label("Name")).to_have_value(payload)
            await expect(panel.locator(".mantine-Pill-root").get_by_text(payload, exact=True)).to_be_visible()
            if number % 10 == 0:
                await deleted_and_back(page, payload)
            else:
                await seen.closed()
        for number, payload in enumerate(PAYLOADS):
            name = file_of(payload)
            await seen.go("files?file=" + await page.evaluate("encodeURIComponent", f"configs/{name}"))
            await expect(panel.get_by_role("heading", name=" ".join(name.split()), exact=True)).to_be_visible()
            if number % 2:
                await expect(panel.locator("pre")).to_contain_text(json.dumps(payload)[1:-1])
            else:
                await expect(panel.get_by_role("alert")).to_contain_text("this is not JSON")
            if number % 10 == 0:
                await deleted_and_back(page, " ".join(name.split()))
        await seen.go("events")
        for payload in PAYLOADS:
            await page.get_by_label("Search").fill(payload.replace('"', '\\"'))
            await page.get_by_role("table").get_by_role("button").filter(has_text=payload).first.click()
            await expect(panel.locator("pre")).to_contain_text(payload.replace('"', '\\"'))
            await seen.closed()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_answers_of_upstreams_in_the_playground(tmp_path: Path, protocol: ProtocolName) -> None:
    async with looking(tmp_path, PAYLOADS, asked=False) as (hostile, seen):
        page, vendor = seen.page, hostile.vendors[protocol]
        await seen.view.open(
            f"playground?protocol={PROTOCOLS[protocol]}&provider={TYPES[protocol][0]}&model=plain-{protocol}"
        )
        await page.get_by_label("Client key", exact=True).fill(await hostile.site.key())
        log, message = page.get_by_role("log"), page.get_by_label("Message")
        for payload in PAYLOADS:
            vendor.speaks(payload)
            await message.fill(payload)
            await page.keyboard.press("Control+Enter")
            await expect(page.get_by_label(f"Result of {payload}", exact=True)).to_be_visible(timeout=TIMEOUT)
            await expect(log.get_by_text(f"Calls {payload}", exact=True)).to_be_visible()
            # Asked, thought (where the protocol tells it) and said.
            assert await log.get_by_text(payload, exact=True).count() >= 2
            assert json.loads(await log.locator("pre").last.inner_text()) == {"x": payload}
            await page.get_by_role("button", name="New conversation").click()
            vendor.refuses(payload, "bad_request")
            await message.fill("Hello")
            await page.keyboard.press("Control+Enter")
            await expect(page.get_by_role("alert").get_by_text(payload)).to_be_visible(timeout=TIMEOUT)
            await page.get_by_role("button", name="New conversation").click()
        vendor.speaks(PAYLOADS[6])
        await message.fill(PAYLOADS[6])
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_label(f"Result of {PAYLOADS[6]}", exact=True)).to_be_visible(timeout=TIMEOUT)
        for tab in ("Request", "In all four protocols"):
            await page.get_by_role("tab", name=tab, exact=True).click()
            await expect(page.get_by_role("tabpanel").last.locator("pre").first).to_contain_text(PAYLOADS[6])


async def test_the_first_answer_names_of_images_and_fields_that_are_lost(tmp_path: Path) -> None:
    async with looking(tmp_path, PAYLOADS, asked=False) as (hostile, seen):
        page, vendor = seen.page, hostile.vendors["openai_chat"]
        await seen.view.open("start")
        await page.get_by_label("I have a key").fill(await hostile.site.key())
        await page.get_by_role("combobox", name="Model").fill("plain-openai_chat")
        for payload in PAYLOADS:
            vendor.scenario = say(payload)
            await page.get_by_role("button", name="Send").click()
            await expect(page.get_by_test_id("answer")).to_have_text(payload, timeout=TIMEOUT)

        await seen.go("playground?protocol=openai-chat&provider=claude-custom&model=plain-anthropic")
        names = [payload.replace("/", " ") + ".png" for payload in PAYLOADS]
        for name in names:
            async with page.expect_file_chooser() as waiting:
                await page.get_by_role("button", name="Add an image").click()
            file = FilePayload(name=name, mimeType="image/png", buffer=name.encode())
            await (await waiting.value).set_files(file)
        await seen.shows("playground: names of images", *names)
        # What is no field of this protocol is lost on the way to another one, and told by its name.
        hostile.vendors["anthropic"].scenario = say("Hello")
        await page.get_by_role("tab", name="Request", exact=True).click()
        await page.get_by_role("button", name="Edit this request").click()
        edited = page.get_by_label(re.compile("^POST "))
        body = {"model": "plain-anthropic", "messages": [{"role": "user", "content": "x"}]}
        await edited.fill(json.dumps(body | dict.fromkeys(PAYLOADS, 1)))
        await page.get_by_role("tab", name="In all four protocols").click()
        await page.get_by_role("tab", name=re.compile("^Claude Messages")).click()
        await seen.shows("playground: fields that are lost")


async def test_errors_of_the_api_of_google_and_of_files(tmp_path: Path) -> None:
    async with looking(tmp_path, PAYLOADS, asked=False) as (hostile, seen):
        page, dialog = seen.page, seen.page.get_by_role("dialog")
        await seen.view.open("configuration?view=json")
        editor = page.get_by_label("config.json")
        for change in (dict.fromkeys(PAYLOADS, 1), {"modelAliases": dict.fromkeys(PAYLOADS, "x")}):
            await editor.fill(json.dumps(change))
            await page.get_by_role("button", name="Review the changes").click()
            await seen.shows("what is wrong with settings, or changes")
            await dialog.get_by_role("button", name="Back").last.click()
        await seen.go("providers")
        await page.get_by_role("button", name="Log in with Google").click()
        await dialog.get_by_role("button", name="Begin").click()
        pasted = dialog.get_by_label("Address of the page that could not be opened")
        for payload in PAYLOADS:
            await pasted.fill(f"http://localhost:8085/?error={payload}&error_description={payload}&state={payload}")
            await dialog.get_by_role("button", name="Finish the login").click()
            await expect(dialog.get_by_role("alert").first).to_be_visible(timeout=TIMEOUT)
        await seen.closed()
        # What is wrong with the operator's files is told on three pages.
        plain = tuple(payload for payload in PAYLOADS if "'" not in payload)
        (tmp_path / "configs" / "config.json").write_text(json.dumps({"MODEL_PROVIDER": " ".join(plain)}))
        assert (await hostile.site.call("POST", "/api/reload-config")).status == 200
        for name in PAGES:
            await seen.view.open(name)
            if name in ("dashboard", "configuration", "system"):
                await seen.shows(f"{name}: problems of files", *plain)
        # What the file has that no version knows is kept, and shown.
        (tmp_path / "configs" / "config.json").write_text(json.dumps(dict.fromkeys(PAYLOADS, 1)))
        await seen.view.open("configuration?view=json")
        await seen.shows("configuration: unknown settings")
        async with await RawClient.connect(hostile.site.server.port) as client:
            answer = await client.ask("GET", "/v1/models", headers={"x-request-id": PAYLOADS[0]})
        assert PAYLOADS[0] not in str(answer.headers), "such an id is no id"
