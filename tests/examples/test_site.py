"""The documentation as a site: which pages are in it, what its generator gets, and what its result must not hold.

The generator itself is no part of the tests' environment: `make docs` builds the site, and checks it as here.
"""

from __future__ import annotations

import asyncio
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from scripts.site.__main__ import CONFIGURATION, MEASURED, prepare
from scripts.site.check import faults
from tests.examples.documents import ROOT
from tests.support.browser import chromium
from tests.support.ports import free_port
from tests.support.process import ServerProcess

PROJECT = tomllib.loads((ROOT / CONFIGURATION).read_text())["project"]


def pages_of(nav: list[Any]) -> Iterator[str]:
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            for inner in entry.values():
                yield from pages_of(inner)


def test_every_page_has_its_place() -> None:
    placed = [*pages_of(PROJECT["nav"])]
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    # Decisions are found by their list.
    there = {name for name in there if not name.startswith("decisions/0")}
    assert len(placed) == len({*placed})
    assert there <= {*placed}, f"name them in {CONFIGURATION}"
    assert {*placed} - there <= {*MEASURED}


def test_fonts_come_from_nowhere() -> None:
    assert PROJECT["theme"]["font"] is False


def test_the_generator_gets_fences_that_say_their_language_alone(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    prepare(ROOT, work)
    fences = {line for path in work.rglob("*.md") for line in path.read_text().splitlines() if line.startswith("```")}
    assert {"```", "```sh", "```python", "```json"} <= fences
    assert not any(" " in fence for fence in fences)
    placed = pages_of(tomllib.loads((work / CONFIGURATION).read_text())["project"]["nav"])
    assert all((work / "docs" / name).exists() for name in placed)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<link rel="stylesheet" href="https://fonts.example/css">', "loads https://fonts.example/css"),
        ('<link rel="preconnect" href="//fonts.example">', "loads //fonts.example"),
        ('<script src="HTTPS://cdn.example/a.js"></script>', "loads HTTPS://cdn.example/a.js"),
        ('<img src="//pictures.example/a.png">', "loads //pictures.example/a.png"),
        ("<p style=\"background: url('http://a.example/b')\">", "loads http://a.example/b"),
        ('<a href="nothing.html">', "nothing.html leads nowhere"),
        ('<a href="#nothing">', "#nothing leads nowhere"),
        ('<a href="other.html#nothing">', "other.html#nothing leads nowhere"),
    ],
)
def test_a_site_that_asks_others_or_is_broken_is_refused(text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "other.html").write_text('<h1 id="there">')
    (tmp_path / "index.html").write_text(text)
    assert [found for found in faults(tmp_path) if fault in found] != []


def test_a_good_site_is_taken(tmp_path: Path) -> None:
    (tmp_path / "other.html").write_text('<h1 id="there">')
    (tmp_path / "style.css").write_text("a { background: url(data:image/png;base64,AA) }")
    good = '<link rel="stylesheet" href="style.css"><a href="other.html#there"><a href="https://elsewhere.example">'
    (tmp_path / "index.html").write_text(good + '<link rel="canonical" href="https://this.example">')
    assert [*faults(tmp_path)] == []
    (tmp_path / "style.css").write_text("@import 'https://fonts.example/css';")
    assert [*faults(tmp_path)] == ["style.css: loads https://fonts.example/css"]
    assert [*faults(tmp_path / "nothing")] != []


@pytest.mark.deep
@pytest.mark.timeout(300)
async def test_the_built_site_in_a_browser_asks_nobody_else(tmp_path: Path) -> None:
    python = ROOT / ".venv-docs" / "bin" / "python"
    assert python.exists(), "run: make docs"
    site = tmp_path / "site"
    code = "import sys, pathlib; from scripts.site.__main__ import build; build(*map(pathlib.Path, sys.argv[1:]))"
    command = [str(python), "-c", code, str(ROOT), str(tmp_path / "work"), str(site)]
    building = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    assert await building.wait() == 0

    port, asked = free_port(), list[str]()
    serve = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    async with ServerProcess(site, command=lambda _: serve, port=port, health=None) as server, chromium() as browser:
        page = await browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
        for name in names:
            await page.goto(f"{server.url}/{name}", wait_until="load")
        await page.goto(f"{server.url}/index.html", wait_until="networkidle")
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("combobox", name="Search")).to_be_focused(timeout=20_000)
        await page.keyboard.type("account_unusable")
        await expect(page.get_by_text("What an error means").first).to_be_visible(timeout=20_000)
    assert len(names) > 40
    assert [url for url in asked if not url.startswith((f"{server.url}/", "data:", "blob:"))] == []
