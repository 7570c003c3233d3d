"""What a page can look like beside how it opens: panels, dialogues, menus, lists of choices, messages, mistakes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Final

from playwright.async_api import Locator, Page, Route
from tests.web.scene import CLAUDE, Scene
from tests.web.site import View

Prepare = Callable[[Page, Scene], Awaitable[None]]
TOOLS: Final = json.dumps([{"name": "f", "parameters": {"type": "object"}}])


def button(name: str, *, exact: bool = False, last: bool = False) -> Prepare:
    """Press a button (the last one that is called so)."""

    async def press(page: Page, scene: Scene) -> None:
        found = page.get_by_role("button", name=name, exact=exact)
        await (found.last if last else found.first).click()

    return press


def both(*steps: Prepare) -> Prepare:
    """Do one thing after another."""

    async def do(page: Page, scene: Scene) -> None:
        for step in steps:
            await step(page, scene)

    return do


def visible(find: Callable[[Page], Locator]) -> Prepare:
    """Wait until something is there."""

    async def wait(page: Page, scene: Scene) -> None:
        await find(page).first.wait_for()

    return wait


def filled(label: str, text: str) -> Prepare:
    """Write into a field."""

    async def fill(page: Page, scene: Scene) -> None:
        await page.get_by_label(label, exact=True).last.fill(text)

    return fill


def choices(name: str) -> Prepare:
    """Open a list of choices."""

    async def do(page: Page, scene: Scene) -> None:
        await page.get_by_role("combobox", name=name).or_(page.get_by_label(name, exact=True)).first.click()
        await page.get_by_role("option").first.wait_for()

    return do


async def menu(page: Page, scene: Scene, name: str) -> None:
    burger = page.get_by_role("button", name="Open the navigation")
    if await burger.is_visible():
        await burger.click()
    await page.get_by_role("button", name=name).click()
    await page.get_by_role("menuitem").first.wait_for()


async def appearance(page: Page, scene: Scene) -> None:
    await menu(page, scene, "Appearance")


async def language(page: Page, scene: Scene) -> None:
    await menu(page, scene, "Language")


async def first_request(page: Page, scene: Scene) -> None:
    await page.get_by_role("table", name="Requests").get_by_role("row").nth(1).get_by_role("button").click()
    await page.get_by_role("list", name="What happened").wait_for()


async def pointed_at_an_account(page: Page, scene: Scene) -> None:
    await page.get_by_role("link", name="Gone: ").hover()
    await page.get_by_role("tooltip").wait_for()


async def pointed_at_a_chart(page: Page, scene: Scene) -> None:
    await page.locator("figure svg").first.hover()
    await page.locator("figure p").filter(has_text="succeeded: ").first.wait_for()


async def asked(page: Page, scene: Scene) -> None:
    """A conversation with a call of a tool, its results waiting to be written."""
    await page.get_by_label("Client key", exact=True).fill(await scene.site.key())
    await page.get_by_role("button", name="Options").click()
    await page.get_by_label("Tools (JSON)").fill(TOOLS)
    await page.get_by_label("Message").fill("Hello")
    await page.keyboard.press("Control+Enter")
    await page.get_by_label("Result of f").wait_for()


async def first_event(page: Page, scene: Scene) -> None:
    await page.get_by_role("table", name="Events").get_by_role("row").nth(1).get_by_role("button").click()


async def failing(page: Page, scene: Scene) -> None:
    """The server answers no more, and the page is loaded anew."""

    async def fail(route: Route) -> None:
        body = {"error": {"message": "the database can't be used now", "type": "service_unavailable", "status": 503}}
        await route.fulfill(status=503, json=body, headers={"x-request-id": "0123abcd-7"})

    for path in ("dashboard?*", "providers", "requests?*", "config*", "system"):
        await page.route(f"**/api/{path}", fail)
    await page.reload()
    await page.get_by_role("alert").first.wait_for()


_conversation: Final = "playground?protocol=anthropic&model=" + CLAUDE
#: Page, with its address → what is done on it.
STATES: Final[tuple[tuple[str, Prepare | None], ...]] = (
    ("dashboard", None),
    ("dashboard", pointed_at_an_account),
    ("dashboard", pointed_at_a_chart),
    ("dashboard", appearance),
    ("dashboard", language),
    ("dashboard", failing),
    ("requests", None),
    ("requests", first_request),
    ("requests", choices("Model")),
    ("requests?account=x&protocol=openai-chat&error=internal", None),
    ("usage?by=account", None),
    ("usage?model=" + CLAUDE, None),
    ("usage?by=error", choices("Told apart by")),
    ("providers", None),
    ("providers", button("Edit Team account")),
    ("providers", both(button("Edit Gone"), button("Delete", last=True))),
    ("providers", button("Add an account")),
    ("providers", button("Log in with Google")),
    ("providers?type=claude-custom", button("Test all")),
    ("providers?q=nobody", None),
    ("keys", None),
    ("keys", button("Edit Build server")),
    ("keys", both(button("Edit Alice"), choices("Budget for"))),
    ("keys", both(button("Edit Alice"), button("Delete", last=True))),
    (_conversation, None),
    (_conversation, asked),
    (_conversation, both(asked, first_event)),
    (_conversation, both(asked, lambda page, _: page.get_by_role("tab", name="In all four protocols").click())),
    (_conversation, both(asked, lambda page, _: page.get_by_role("tab", name="Request", exact=True).click())),
    ("start", None),
    ("start", both(button("Make a key"), visible(lambda page: page.get_by_test_id("client-key")))),
    ("configuration", None),
    ("configuration?view=json", filled("config.json", "{")),
    (
        "configuration?view=json",
        both(filled("config.json", '{"STRICT": true, "CONFIG_DIR": "x"}'), button("Review the changes")),
    ),
    ("files", None),
    ("files", button("Open configs/provider_pools.json")),
    ("files", both(button("Open configs/provider_pools.json"), button("Delete", exact=True, last=True))),
    ("events", None),
    ("events", first_event),
    ("events", choices("Kinds")),
    ("system", None),
    ("system", button("Restart")),
    ("system", both(filled("New password", "a"), filled("The new password again", "b"))),
    ("nowhere", None),
)


async def reach(view: View, scene: Scene, state: tuple[str, Prepare | None]) -> None:
    """Open a page and bring it into a state."""
    address, prepare = state
    await view.open(address)
    if prepare is not None:
        await prepare(view.page, scene)
    # What is being asked for is there.
    await view.settled()
