"""A Google to try logins and requests with: ``make demo-google``. It says how a gateway is started before it."""

from __future__ import annotations

import asyncio
import sys

from tests.support.google.oauth import CLIENT_ID, CLIENT_SECRET
from tests.support.google.server import ScriptedGoogle

SAID = """The scripted Google listens on {url} (Ctrl-C ends it). In another terminal:

export GOOGLE_OAUTH_AUTH_URL={url}/o/oauth2/v2/auth GOOGLE_OAUTH_TOKEN_URL={url}/token
export GOOGLE_USERINFO_URL={url}/oauth2/v2/userinfo GEMINI_BASE_URL={url} ANTIGRAVITY_BASE_URL={other}
export GEMINI_CLI_OAUTH_CLIENT_ID={id} GEMINI_CLI_OAUTH_CLIENT_SECRET={secret}
export GEMINI_ANTIGRAVITY_OAUTH_CLIENT_ID={id} GEMINI_ANTIGRAVITY_OAUTH_CLIENT_SECRET={secret}
codenex login gemini-cli-oauth && codenex serve

Antigravity: codenex login gemini-antigravity
"""


async def main(port: int) -> None:
    google, antigravity = ScriptedGoogle(), ScriptedGoogle(antigravity=True)
    antigravity.oauth = google.oauth
    google.port = port
    async with google, antigravity:
        said = SAID.format(url=google.url, other=antigravity.url, id=CLIENT_ID, secret=CLIENT_SECRET)
        print(said, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3999))
    except KeyboardInterrupt:
        pass
