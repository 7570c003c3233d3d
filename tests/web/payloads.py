"""Texts that want to be more than texts, and a browser window that tells when one of them was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from playwright.async_api import Dialog
from tests.web.site import View

#: What every payload runs, if anything lets it.
CODE: Final = "window.__ran=1"
_TAGS: Final = (
    "<script>{}</script>",
    "<img src=x onerror={}>",
    "<svg onload={}>",
    "<svg><script>{}</script></svg>",
    "<select autofocus onfocus={}></select>",
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
_AROUND: Final = ("{}", '">{}', "'>{}", "</script>{}", "-->{}<!--")
#: A hundred of them. Each one is no part of another one's beginning, so that each is found where it is shown.
PAYLOADS: Final = tuple(around.format(tag.replace("{}", CODE)) for tag in _TAGS for around in _AROUND)

#: Runs before any script of a page. What runs shows in the console, and so does an element that no page of ours makes.
_GUARD: Final = """
Object.defineProperty(window, "__ran", { set() { console.error("a payload ran"); } });
const bad = (node) => node.matches("iframe, object, embed, math, video, marquee, base, details, template, form form, " +
    "meta[http-equiv], script:not([src]), style:not([nonce])") ||
  [...node.attributes].some(({ name, value }) => /^on/i.test(name) || /^\\s*javascript:/i.test(value));
new MutationObserver((records) => {
  for (const record of records) for (const added of record.addedNodes) {
    if (!(added instanceof Element)) continue;
    for (const node of [added, ...added.querySelectorAll("*")]) {
      if (bad(node)) console.error("an element was made: " + node.outerHTML.slice(0, 200));
    }
  }
}).observe(document, { childList: true, subtree: true });
addEventListener("securitypolicyviolation", (event) => {
  console.error("the policy was needed: " + event.violatedDirective + " " + event.blockedURI + " " + event.sample);
});
"""
#: Everything that somebody can read: texts, the values of fields, and what shows where something is pointed at.
_READ: Final = """() => {
  const parts = [document.body.innerText];
  for (const one of document.querySelectorAll("input:not([type=password]), textarea")) {
    if (one.checkVisibility()) parts.push(one.value, one.placeholder);
  }
  for (const one of document.querySelectorAll("[title]")) if (one.checkVisibility()) parts.push(one.title);
  return parts.join("\\n");
}"""


async def guarded(view: View) -> View:
    """Let a window tell, among its problems, of whatever a payload does; no dialogue stops it."""

    async def dismiss(dialog: Dialog) -> None:
        view.problems.append(f"a dialogue: {dialog.message}")
        await dialog.dismiss()

    view.page.on("dialog", dismiss)
    await view.page.add_init_script(_GUARD)
    return view


async def readable(view: View) -> str:
    """Everything that somebody can read in the window at this moment. Breaks of lines are blanks."""
    text: str = await view.page.evaluate(_READ)
    return " ".join(text.split())


def missing(text: str, wanted: Iterable[str]) -> list[str]:
    """Those of some texts that aren't in another one, as they are or as JSON writes them."""
    return [one for one in wanted if " ".join(one.split()) not in text and _in_json(one) not in text]


def _in_json(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
