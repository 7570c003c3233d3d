"""Everybody can use the pages while they are in use: axe-core at many accounts, requests and errors, with panels,
dialogues, menus, lists and messages open, in light and dark, on a desktop and on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.web.scene import used_site
from tests.web.site import DESKTOP, PHONE, Scheme
from tests.web.states import STATES, reach

WAYS: tuple[tuple[Scheme, tuple[int, int]], ...] = (
    ("light", DESKTOP),
    ("dark", DESKTOP),
    ("light", PHONE),
    ("dark", PHONE),
)
pytestmark = [pytest.mark.deep, pytest.mark.timeout(600)]


@pytest.mark.parametrize(("scheme", "size"), WAYS, ids=lambda way: str(way) if isinstance(way, str) else str(way[0]))
async def test_every_state_of_every_page(tmp_path: Path, scheme: Scheme, size: tuple[int, int]) -> None:
    found: dict[str, object] = {}
    async with used_site(tmp_path, accounts=30) as scene:
        for index, state in enumerate(STATES):
            view = await scene.site.view(scheme=scheme, size=size, expected=("403", "422", "503"))
            place = f"{index}: {state[0]}"
            await reach(view, scene, state)
            found[f"{place}: findings"] = await view.accessibility()
            found[f"{place}: pixels too wide"] = max(0, await view.overflow())
            found[f"{place}: problems"] = view.problems
            await view.page.context.close()
        view = await scene.site.view(scheme=scheme, size=size, logged_in=False, expected=("401",))
        await view.open("dashboard")
        await view.page.get_by_label("Password").fill("not the password")
        await view.page.keyboard.press("Enter")
        await view.page.get_by_role("alert").wait_for()
        found["login: findings"] = await view.accessibility()
    assert {what: told for what, told in found.items() if told} == {}
