"""How the web pages are served, through the data plane's relay: addresses, caching, codings, policy."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import brotli
import pytest
from tests.control.site import Site
from tests.support.client import RawClient, RawResponse

from codenex.control import web_pages

SCRIPT = b"console.log('hello');" * 2000
NONCE = re.compile(r"'nonce-([\w-]{24})'")


@pytest.fixture(autouse=True)
def built(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of built pages."""
    folder = tmp_path_factory.mktemp("static")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text(
        '<!doctype html><meta name="csp-nonce" content="__NONCE__"><script src="./assets/main-1a2b.js"></script>'
    )
    for ending, data in (("", SCRIPT), (".gz", gzip.compress(SCRIPT)), (".br", brotli.compress(SCRIPT))):
        (folder / "assets" / f"main-1a2b.js{ending}").write_bytes(data)
    (folder / "assets" / "small.css").write_text("a{}")
    (folder / "manifest.json").write_text("{}")
    monkeypatch.setattr(web_pages, "BUILT", folder)
    return folder


async def ask(site: Site, path: str, accept: str | None = None, method: str = "GET") -> RawResponse:
    async with await RawClient.connect(site.gateway.port) as client:
        return await client.ask(method, path, headers=[] if accept is None else [("accept-encoding", accept)])


@pytest.mark.parametrize(
    ("path", "assets"),
    [
        ("/", "./ui/assets/"),
        ("/ui", "./ui/assets/"),
        ("/ui/", "./assets/"),
        ("/ui/dashboard", "./assets/"),
        ("/ui/a/b", ".././assets/"),
    ],
)
async def test_every_address_of_a_page_is_the_document(site: Site, path: str, assets: str) -> None:
    first, second = await ask(site, path), await ask(site, path)

    assert first.status == 200
    assert first.headers.get("content-type") == "text/html; charset=utf-8"
    assert first.headers.get("cache-control") == "no-store"
    policy = first.headers.get("content-security-policy") or ""
    nonce = NONCE.search(policy)
    assert nonce is not None
    assert f'content="{nonce[1]}"' in first.body.decode()
    assert f'src="{assets}main-1a2b.js"' in first.body.decode()
    assert first.body != second.body, "a nonce is of one answer"
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-")
    for rule in ("frame-ancestors 'none'", "base-uri 'none'", "connect-src 'self'", "form-action 'self'"):
        assert rule in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("accept", "coding"),
    [(None, None), ("identity", None), ("gzip", "gzip"), ("gzip, deflate, br", "br"), ("br;q=0, gzip", "gzip")],
)
async def test_a_file_comes_in_a_coding_that_the_browser_takes(site: Site, accept: str | None, coding: str) -> None:
    answer = await ask(site, "/ui/assets/main-1a2b.js", accept)

    assert answer.status == 200
    assert answer.headers.get("content-encoding") == coding
    undo = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}[coding]
    assert undo(answer.body) == SCRIPT
    assert answer.headers.get("content-type") == "text/javascript; charset=utf-8"
    assert answer.headers.get("cache-control") == "public, max-age=31536000, immutable"
    assert answer.headers.get("vary") == "accept-encoding"
    assert answer.headers.get("x-content-type-options") == "nosniff"


async def test_a_file_without_compressed_forms_comes_as_it_is(site: Site) -> None:
    answer = await ask(site, "/ui/assets/small.css", "gzip, br")

    assert answer.body == b"a{}"
    assert answer.headers.get("content-encoding") is None


@pytest.mark.parametrize(
    "name",
    [
        "gone-1a2b.js",
        "../manifest.json",
        "..%2Findex.html",
        "%2e%2e/index.html",
        "main-1a2b.js/",
        "main-1a2b.js.gz",
        "main-1a2b.js%00.css",
        ".hidden.js",
        "",
    ],
)
async def test_no_other_file_is_served(site: Site, built: Path, name: str) -> None:
    (built / "assets" / ".hidden.js").write_text("no")
    answer = await ask(site, f"/ui/assets/{name}")

    assert answer.status == 404
    assert answer.headers.get("cache-control") == "no-store"


async def test_where_nothing_is_built_the_page_says_how_to(site: Site, built: Path) -> None:
    (built / "index.html").unlink()
    answer = await ask(site, "/")

    assert b"make web" in answer.body
    assert "default-src 'none'" in (answer.headers.get("content-security-policy") or "")


@pytest.mark.parametrize(
    "path", ["/ui/../api/providers", "/ui/%2e%2e/api/system", "/ui//api/config", "/ui/x%2fapi/health"]
)
async def test_no_address_of_a_page_leads_to_the_management_api(site: Site, path: str) -> None:
    assert (await ask(site, path)).body.startswith(b"<!doctype html>")


@pytest.mark.parametrize("path", ["/uix", "/UI/", "/ui%00/", "/v1/ui/"])
async def test_what_only_looks_like_a_page_is_none(site: Site, path: str) -> None:
    assert (await ask(site, path)).status in (401, 404)


async def test_pages_are_read_and_nothing_else(site: Site) -> None:
    assert (await ask(site, "/ui/dashboard", method="HEAD")).status == 200
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (await ask(site, "/ui/dashboard", method=method)).status == 405
