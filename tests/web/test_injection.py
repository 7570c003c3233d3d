"""Texts that want to be more than texts, in every field that a page shows: none of them runs, none makes an element."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from tests.support.requests import BODIES
from tests.web.scene import CLAUDE, Scene, used_site
from tests.web.site import PAGES

#: Where a payload would leave its mark.
MARK: Final = "window.__injected"
_CODE: Final = f"{MARK}=1"
_TAGS: Final = (
    "<script>{}</script>",
    "<img src=x onerror={}>",
    "<svg onload={}>",
    "<svg><script>{}</script></svg>",
    "<body onload={}>",
    "<iframe srcdoc='<script>parent.{}</script>'>",
    "<a href='javascript:{}' autofocus onfocus={}>x</a>",
    "<input autofocus onfocus={}>",
    "<details open ontoggle={}>",
    "<video><source onerror={}></video>",
    "<math><mi xlink:href='javascript:{}'>x</mi></math>",
    "<object data='javascript:{}'>",
    "<embed src='javascript:{}'>",
    "<form><button formaction='javascript:{}'>x",
    "<style>@import 'javascript:{}'</style>",
    "<link rel=stylesheet href='javascript:{}'>",
    "<base href='javascript:{}//'>",
    "<meta http-equiv=refresh content='0;url=javascript:{}'>",
    "<template><script>{}</script></template>",
    "<marquee onstart={}>x</marquee>",
)
_AROUND: Final = ("{}", '">{}', "'>{}", "</script>{}", "--><!-- {} -->")
#: A hundred of them.
PAYLOADS: Final = tuple(around.format(tag.replace("{}", _CODE)) for tag in _TAGS for around in _AROUND)


async def plant(scene: Scene, payloads: tuple[str, ...]) -> None:
    """Put the payloads where the server takes texts: names of keys and accounts, models, messages of errors."""
    for number, payload in enumerate(payloads):
        name = payload[:64]
        made = await scene.site.call("POST", "/api/client-keys", {"name": name})
        assert made.status in (201, 422), made.body
        account = {
            "customName": payload,
            "CLAUDE_API_KEY": f"upstream-{number}",
            "notes": payload,
            "checkModelName": payload,
        }
        answer = await scene.site.call(
            "POST", "/api/providers", {"providerType": "claude-custom", "providerConfig": account}
        )
        assert answer.status in (201, 422), answer.body
        assert await scene.ask(f"claude-custom/{payload}") >= 200
    await scene.site.call("POST", "/api/config", {"modelAliases": dict.fromkeys(payloads, f"claude-custom/{CLAUDE}")})


@pytest.mark.deep
@pytest.mark.timeout(600)
async def test_no_text_of_the_server_runs_on_any_page(tmp_path: Path) -> None:
    assert len(set(PAYLOADS)) == 100
    async with used_site(tmp_path, requests=2) as scene:
        await plant(scene, PAYLOADS)
        # What the pages themselves refuse shows in the console; that something was asked of it would be a finding.
        view = await scene.site.view()
        page = view.page
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        for name in PAGES:
            await view.open(name)
            await page.wait_for_timeout(300)
            assert await page.evaluate(f"{MARK} === undefined"), name
            assert await page.locator("marquee, iframe, object, embed, math, video").count() == 0, name
        shown = 0
        await view.open("keys")
        shown += await page.get_by_text("onerror=", exact=False).count()
        await view.open("events")
        shown += await page.get_by_text("client_key", exact=False).count()
        assert shown > 0, "nothing of it was shown, so that nothing was proved"
        for payload in PAYLOADS[:10]:
            await view.open(f"playground?protocol=openai-chat&model={BODIES['openai_chat']['model']}")
            await page.get_by_label("Client key", exact=True).fill(await scene.site.key())
            await page.get_by_label("Message").fill(payload)
            await page.keyboard.press("Control+Enter")
            await page.get_by_test_id("outcome").or_(page.get_by_role("alert")).first.wait_for()
            assert await page.evaluate(f"{MARK} === undefined"), payload
        assert dialogs == []
        assert [problem for problem in view.problems if "Content Security Policy" in problem] == []
