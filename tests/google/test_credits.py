"""Credits at Antigravity: spent only where a quota is used up, and only where the operator has allowed it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.control.home import Home
from tests.google.accounts import ANTIGRAVITY, credential, google_account
from tests.google.test_requests import ask
from tests.support.gateway import running_gateway, settings_for
from tests.support.google.server import ScriptedGoogle, error

from codenex.control.effective import effective_settings
from codenex.control.errors import ConfigurationError

MODEL = "gemini-3-flash-preview"
TYPES = ("GOOGLE_ONE_AI",)


def refused(reason: str, **metadata: str) -> Any:
    detail = {"@type": "ErrorInfo", "reason": reason, "metadata": metadata}
    return error(429, "RESOURCE_EXHAUSTED", "You have exhausted your capacity on this model.", detail)


def spent(google: ScriptedGoogle) -> list[Any]:
    return [body.get("enabledCreditTypes") for body in google.called("generateContent")]


async def test_they_are_spent_once_the_quota_is_used_up(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google:
        account = google_account(google, tmp_path, credit_types=TYPES)
        async with running_gateway(settings_for(account)) as gateway:
            assert (await ask(gateway, MODEL)).status == 200
            google.answer_next(refused("QUOTA_EXHAUSTED", quotaResetDelay="2h"))
            assert (await ask(gateway, MODEL)).status == 200
            # It is known now, and other models are none of this.
            assert (await ask(gateway, MODEL)).status == 200
            assert (await ask(gateway, "gemini-2.5-flash")).status == 200
    assert not google.problems
    assert spent(google) == [None, None, ["GOOGLE_ONE_AI"], ["GOOGLE_ONE_AI"], None]


async def test_a_passing_limit_costs_nothing(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google:
        account = google_account(google, tmp_path, credit_types=TYPES)
        async with running_gateway(settings_for(account)) as gateway:
            google.answer_next(refused("RATE_LIMIT_EXCEEDED", quotaResetDelay="100ms"))
            assert (await ask(gateway, MODEL)).status == 200
    assert spent(google) == [None, None]


async def test_when_they_are_used_up_too(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google:
        account = google_account(google, tmp_path, credit_types=TYPES)
        async with running_gateway(settings_for(account)) as gateway:
            google.answer_next(refused("QUOTA_EXHAUSTED"), refused("INSUFFICIENT_G1_CREDITS_BALANCE"))
            answer = await ask(gateway, MODEL)
    assert answer.status == 429
    assert int(answer.headers.get("retry-after")) == 3600
    assert spent(google) == [None, ["GOOGLE_ONE_AI"]]


async def test_nothing_is_spent_without_the_operators_word(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            google.answer_next(refused("QUOTA_EXHAUSTED"))
            assert (await ask(gateway, MODEL)).status == 429
    assert spent(google) == [None]


@pytest.mark.parametrize(
    ("provider", "value", "words"),
    [
        (ANTIGRAVITY, "GOOGLE_ONE_AI", "must be a list"),
        ("gemini-cli-oauth", ["GOOGLE_ONE_AI"], "gemini-antigravity alone"),
    ],
)
def test_what_cannot_be_allowed(home: Home, provider: str, value: Any, words: str) -> None:
    home.config({"REQUIRED_API_KEY": "key-of-the-credit-tests"})
    home.pools({provider: [{"PROJECT_ID": "p", "enabledCreditTypes": value}]})
    with pytest.raises(ConfigurationError, match=words):
        effective_settings(home.load())


def test_what_is_allowed(home: Home) -> None:
    home.config({"REQUIRED_API_KEY": "key-of-the-credit-tests"})
    home.config(credential(), "antigravity/oauth_creds.json")
    file = str(home.configs / "antigravity" / "oauth_creds.json")
    home.pools({ANTIGRAVITY: [{"ANTIGRAVITY_OAUTH_CREDS_FILE_PATH": file, "enabledCreditTypes": list(TYPES)}]})
    (account,) = effective_settings(home.load()).settings.accounts[ANTIGRAVITY]
    assert account.google is not None
    assert account.google.credit_types == TYPES
