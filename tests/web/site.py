"""A real gateway in a folder of its own, and its pages in a real browser that reports everything that is amiss."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from playwright.async_api import Browser, Page, Request, Response, expect
from tests.support.browser import chromium
from tests.support.client import RawClient, RawResponse
from tests.support.process import ROOT, ServerProcess

PASSWORD: Final = "a password for tests"
#: The rows of ``web/src/pages/table.ts``; a test compares them.
PAGES: Final = (
    "dashboard",
    "requests",
    "usage",
    "providers",
    "keys",
    "playground",
    "start",
    "configuration",
    "files",
    "events",
    "system",
)
DESKTOP, PHONE = (1280, 800), (360, 740)
AXE: Final = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
_STILL: Final = """Promise.all(document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().iterations !== Infinity).map((one) => one.finished.catch(() => 0)))"""
_COUNTED: Final = ("serious", "critical")
Scheme = Literal["light", "dark"]


@dataclass
class View:
    """One page in the browser. ``problems`` is everything that no page may do: errors in the console (what the content
    security policy refuses is among them), exceptions, requests to somebody else, answers of 500 and above."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)
    #: Statuses of 500 and above that the test itself asks for, and errors of the console that go with them.
    expected: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._note(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self._note(f"exception: {error}"))
        self.page.on("request", self._requested)
        self.page.on("response", self._answered)

    def _note(self, text: str) -> None:
        if not any(part in text for part in self.expected):
            self.problems.append(text)

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self._note(f"asks somebody else: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self._note(f"{response.status} {response.url}")

    async def open(self, name: str) -> None:
        """Go to a page and wait until it has its title and no place holders."""
        await self.page.goto(f"{self.url}/ui/{name}")
        await self.settled()

    async def settled(self) -> None:
        """Wait until the page has a heading and nothing is being loaded."""
        await self.page.locator("h1").first.wait_for()
        await expect(self.page.locator(".mantine-Skeleton-root")).to_have_count(0, timeout=15_000)

    async def accessibility(self) -> list[str]:
        """What axe-core finds that is serious or critical, one line for each place."""
        await self.page.evaluate(AXE.read_text())
        # What is still fading in has no colour of its own yet.
        await self.page.evaluate(_STILL)
        found = await self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{violation['id']}: {node['target'][0]}: {node['failureSummary']}"
            for violation in found["violations"]
            if violation["impact"] in _COUNTED
            for node in violation["nodes"]
        ]

    async def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        width: int = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return width


@dataclass
class WebSite:
    """``session`` is the token of an admin session; empty before the first run."""

    server: ServerProcess
    browser: Browser
    session: str = ""

    async def call(self, method: str, path: str, body: Any = None) -> RawResponse:
        """Call the management API with the session."""
        headers = {"authorization": f"Bearer {self.session}"} if self.session else {}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["content-type"] = "application/json"
        async with await RawClient.connect(self.server.port) as client:
            # A change is evaluated by a process of its own, which takes long where many tests run at once.
            return await client.ask(method, path, data, headers, timeout=60)

    async def key(self) -> str:
        """The client key that the server made at its first start."""
        return (self.server.folder / "configs" / "api_key").read_text().strip()

    async def set_up(self) -> None:
        """Choose the password."""
        token = (self.server.folder / "configs" / "setup_token").read_text().strip()
        answer = await self.call("POST", "/api/setup", {"token": token, "password": PASSWORD})
        assert answer.status == 200, answer.body
        self.session = answer.json["token"]

    async def log_in(self) -> None:
        """Begin a session of one's own."""
        answer = await self.call("POST", "/api/login", {"password": PASSWORD})
        assert answer.status == 200, answer.body
        self.session = answer.json["token"]

    async def view(
        self,
        *,
        size: tuple[int, int] = DESKTOP,
        scheme: Scheme = "light",
        language: str = "en-GB",
        logged_in: bool = True,
        expected: tuple[str, ...] = (),
    ) -> View:
        """A browser window of its own, with its own cookies."""
        context = await self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            locale=language,
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
        )
        if logged_in and self.session:
            await context.add_cookies([{"name": "codenex_session", "value": self.session, "url": self.server.url}])
        return View(await context.new_page(), self.server.url, expected=expected)


@asynccontextmanager
async def web_site(
    folder: Path,
    *,
    set_up: bool = True,
    pools: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    health: str | None = "/api/setup",
) -> AsyncIterator[WebSite]:
    """A running gateway with its pages. ``pools`` is its ``provider_pools.json``; without, the demo answers. ``health``
    is what has to answer before; ``None`` waits for the port alone."""
    if pools is not None:
        (folder / "configs").mkdir(parents=True, exist_ok=True)
        (folder / "configs" / "provider_pools.json").write_text(json.dumps(pools))
    async with AsyncExitStack() as stack:
        server = ServerProcess(folder, environment={"WORKERS": "1", **(environment or {})}, health=health, startup=60)
        await stack.enter_async_context(server)
        site = WebSite(server, await stack.enter_async_context(chromium()))
        if set_up:
            await site.set_up()
        yield site
