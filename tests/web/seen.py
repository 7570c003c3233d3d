"""A window at a hostile gateway, and what has to be read in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Locator, Page, expect
from tests.web.hostile import Hostile, hostile_site
from tests.web.payloads import guarded, missing, readable
from tests.web.site import View

TIMEOUT: Final = 15_000
#: High, so that a table shows many rows.
SIZE: Final = (1400, 1000)


class Seen:
    """What was to be read where, and what of it wasn't: place → payloads."""

    def __init__(self, view: View, payloads: tuple[str, ...]) -> None:
        self.view = view
        self.page: Page = view.page
        self.payloads = payloads
        self.missing: dict[str, list[str]] = {}

    async def go(self, address: str) -> None:
        """Go to another page as a link of the pages does, without loading everything anew."""
        await self.page.evaluate("address => history.pushState(null, '', address)", f"/ui/{address}")
        await self.page.wait_for_timeout(50)
        await self.view.settled()

    async def shows(self, place: str, *wanted: str) -> None:
        """The window shows these at this moment; all payloads where none is named."""
        texts = wanted or self.payloads
        for _ in range(100):
            lost = missing(await readable(self.view), texts)
            if not lost:
                return
            await self.page.wait_for_timeout(30)
        self.missing.setdefault(place, []).extend(lost)

    async def lists(self, place: str, table: str, wanted: tuple[str, ...] = ()) -> None:
        """A table of any length shows these, from its beginning to its end."""
        frame = self.page.locator(f"[role=region][aria-label='{table}']")
        await expect(frame.get_by_role("row").nth(1)).to_be_visible(timeout=TIMEOUT)
        for _ in range(5):
            # What was there before may still be shown while the new rows are asked for.
            lost = missing(await self._scrolled(frame), wanted or self.payloads)
            if not lost:
                return
            await self.page.wait_for_timeout(300)
        self.missing.setdefault(place, []).extend(lost)

    async def _scrolled(self, frame: Locator) -> str:
        """Everything that is read from the beginning of a table to its end."""
        await frame.evaluate("node => node.scrollTo(0, 0)")
        text = ""
        for _ in range(60):
            await self.page.wait_for_timeout(40)
            text += " " + await readable(self.view)
            if await frame.evaluate("node => node.scrollTop + node.clientHeight >= node.scrollHeight - 2"):
                break
            await frame.evaluate("node => node.scrollBy(0, node.clientHeight - 60)")
        return text

    async def points_at(self, place: str, what: Locator, wanted: str) -> None:
        """Pointing at something shows this."""
        await what.hover()
        for _ in range(50):
            tips = await self.page.get_by_role("tooltip").all_inner_texts()
            if any(not missing(" ".join(tip.split()), [wanted]) for tip in tips):
                return
            await self.page.wait_for_timeout(30)
        self.missing.setdefault(place, []).append(wanted)

    async def closed(self) -> None:
        """Close what is open above the page."""
        await self.page.keyboard.press("Escape")
        await expect(self.page.get_by_role("dialog")).to_have_count(0)


@asynccontextmanager
async def looking(folder: Path, payloads: tuple[str, ...], asked: bool = True) -> AsyncIterator[tuple[Hostile, Seen]]:
    """A hostile gateway after a refused request for each payload, and a window; all has to be shown, nothing to run."""
    async with hostile_site(folder, payloads) as hostile:
        if asked:
            for number in range(len(payloads)):
                await hostile.ask(number)
        # The refusals are asked for; whatever a payload does is none of these.
        view = await guarded(
            await hostile.site.view(size=SIZE, expected=("status of 4", "status of 5", "/api/", "/v1"))
        )
        seen = Seen(view, payloads)
        yield hostile, seen
        told = {place: (len(lost), lost[:3]) for place, lost in seen.missing.items()}
        assert not told, told
        assert not view.problems, view.problems[:5]


async def open_account(seen: Seen, number: int) -> None:
    await seen.page.get_by_role("button", name=f"Edit {seen.payloads[number]}", exact=True).click()
    await expect(seen.page.get_by_role("dialog").get_by_label("Name", exact=True)).to_have_value(seen.payloads[number])
