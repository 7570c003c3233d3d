"""Every form of a limit and every state of an account, as Google writes them, through a whole gateway: which model
rests how long, what clients are told, and what the operator is told."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.google.accounts import CODE_ASSIST, google_account
from tests.google.test_refusals import LIMITS, STATES, error
from tests.google.test_requests import ask, gemini
from tests.support.gateway import running_gateway, settings_for
from tests.support.google.oauth import json_reply
from tests.support.google.server import ScriptedGoogle

from codenex.gateway import failover
from codenex.pool.health import LONGEST_REST

OTHER = "gemini-2.5-flash"


async def test_each_form_lets_one_model_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Short waits would be waited for where there is no other account.
    monkeypatch.setattr(failover, "SHORT_WAIT", 0.0)
    soon = datetime.fromtimestamp(time.time() + 600, UTC).isoformat()
    async with ScriptedGoogle() as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            for number, (said, seconds, _) in enumerate(LIMITS):
                model, wrapped = f"gemini-2.5-pro-{number:02}", number % 2 == 0
                body = {"error": json.loads(json.dumps(said).replace("2026-01-01T00:10:00Z", soon))}
                google.answer_next(json_reply([body] if wrapped else body, 429))
                answer = await ask(gateway, model, stream=wrapped)
                assert answer.status == 429, (said, answer.body)
                (report,) = gateway.gateway.accounts.report()[CODE_ASSIST]
                rest = report["restingModels"].get(model, 0.0)
                # Whatever is said, a model is asked for again once a day; not all gateways at the same moment.
                least = min(seconds, LONGEST_REST)
                assert least - 2 < rest <= least + 6, (said, rest)
                assert float(answer.headers.get("retry-after")) >= min(1.0, seconds)
                assert (report["isHealthy"], report["circuit"]) == (True, "closed")
                assert (await ask(gateway, OTHER)).status == 200, "other models go on"
            asked = len(google.called("generateContent")) + len(google.called("streamGenerateContent"))
            for number, (_, seconds, _) in enumerate(LIMITS):
                if seconds > 60:
                    assert (await ask(gateway, f"gemini-2.5-pro-{number:02}")).status == 429
            after = len(google.called("generateContent")) + len(google.called("streamGenerateContent"))
            assert after == asked, "nobody is asked who rests"


@pytest.mark.parametrize(("said", "code", "words", "lasting"), STATES)
async def test_each_state_is_told_to_the_operator_alone(
    tmp_path: Path, said: Any, code: str, words: str, lasting: bool
) -> None:
    async with ScriptedGoogle() as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            google.answer_next(json_reply({"error": {**said, "code": 403, "status": "PERMISSION_DENIED"}}, 403))
            answer = await ask(gateway, OTHER)
            assert answer.status == 503
            assert f"({code})" in answer.json["error"]["message"]
            assert "https://" not in answer.body.decode()
            (report,) = gateway.gateway.accounts.report()[CODE_ASSIST]
            assert words in report["lastErrorMessage"]
            assert report["isHealthy"] is False
            assert (await ask(gateway, "gemini-2.5-pro")).status == 503
            assert len(google.called("generateContent")) == 1
    known = [json.loads(path.read_text()) for path in (tmp_path / "state").glob("*.json")]
    assert [entry["problem"].get("lasting", False) for entry in known] == [lasting]


async def test_a_limit_in_the_middle_of_a_stream_is_told_in_it(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            google.break_next("rate_limit", after=1)
            answer = await gemini(gateway, OTHER, "streamGenerateContent?alt=sse")
    assert answer.status == 200
    events = [json.loads(block[6:]) for block in answer.body.decode().split("\n\n") if block]
    assert events[-1]["error"]["code"] == 429


async def test_words_of_an_error_name_nobody(tmp_path: Path) -> None:
    """Google names the project that pays in its errors: clients learn the limit, not whose it is."""
    metadata = {"consumer": "projects/1234567890", "service": "cloudcode-pa.googleapis.com"}
    said = error("Quota exceeded.", ErrorInfo={"reason": "RATE_LIMIT_EXCEEDED", "metadata": metadata})
    async with ScriptedGoogle() as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            google.answer_next(json_reply({"error": said}, 429))
            answer = await ask(gateway, OTHER)
    assert answer.status == 429
    assert "1234567890" not in answer.body.decode()
