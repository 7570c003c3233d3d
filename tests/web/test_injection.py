"""Texts that want to be more than texts: the window that looks for them sees whatever they do, and sees none do it.

``test_injection_everywhere`` goes through every field with it.
"""

from __future__ import annotations

from pathlib import Path

from tests.web.hostile import hostile_site
from tests.web.payloads import PAYLOADS, guarded, missing, readable
from tests.web.seen import SIZE, Seen, open_account

#: A script, a handler, an attribute that is broken out of, a frame, a comment.
SOME = (PAYLOADS[0], PAYLOADS[6], PAYLOADS[11], PAYLOADS[27], PAYLOADS[14])


async def test_what_a_payload_does_would_be_told(tmp_path: Path) -> None:
    """The window that all others rely on tells of scripts, handlers, elements, dialogues, and requests to others."""
    async with hostile_site(tmp_path, SOME) as hostile:
        for number in range(len(SOME)):
            await hostile.ask(number)
        view = await guarded(await hostile.site.view(size=SIZE))
        seen = Seen(view, SOME)
        await view.open("providers")
        await seen.lists("accounts and their errors", "Providers")
        await open_account(seen, 0)
        await seen.shows("an account", SOME[0])
        await seen.closed()
        await seen.go("requests")
        await seen.lists("requests", "Requests")
        await seen.go("requests?id=request-1")
        await seen.shows("a request", SOME[1])
        await seen.go("events")
        await seen.lists("events", "Events")
        assert seen.missing == {}
        assert view.problems == []

        assert missing(await readable(view), ["<b>what isn't there</b>"])
        put = """text => new Promise((done) => {
          const place = document.body.appendChild(document.createElement("div"));
          place.innerHTML = text;
          setTimeout(() => { place.remove(); done(); });
        })"""
        for payload in PAYLOADS:
            view.problems.clear()
            await view.page.evaluate(put, payload)
            assert any("an element was made" in problem for problem in view.problems), payload
        for script in ("window.__ran = 1", "alert(1)", "fetch('http://127.0.0.2:1/').catch(() => 0)"):
            view.problems.clear()
            await view.page.evaluate(script)
            assert view.problems, script
