"""``config.json`` over the management API: shown with sources, changed with care, never overwritten unseen."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest
from tests.control.home import Home
from tests.control.managed import Managed, managed_server

from codenex.control.configuration import configuration_type
from codenex.control.setting_help import help_in_chinese, help_of
from codenex.store.documents import revision_of

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz"


async def changed(managed: Managed, body: Any, query: str = "", **headers: str) -> Any:
    answer = await managed.ask("POST", f"/api/config{query}", body, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def places(managed: Managed, body: Any) -> dict[str | None, str]:
    """Place and message of each mistake of a refused change."""
    answer = await managed.ask("POST", "/api/config", body)
    assert answer.status_code == 422, answer.text
    return {item["place"]: item["message"] for item in answer.json()["error"]["details"]}


async def test_every_value_is_shown_with_its_source(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.config({"OPENAI_API_KEY": KEY, "STRICT": True, "MAX_ERROR_COUNT": 4, "later": {"token": "abcdefghijklmnopqr"}})
    home.dotenv("STRICT=false\n")
    monkeypatch.setenv("MAX_ERROR_COUNT", "5")
    async with managed_server(home, SERVER_PORT=3999) as managed:
        found = await managed.get("/api/config?explain=1")
        settings = found["settings"]
        assert settings.keys() == configuration_type().model_fields.keys()

        def shown(name: str) -> tuple[Any, ...]:
            one = settings[name]
            return one["value"], one["source"], one["place"], one["stored"], one["default"]

        assert shown("SERVER_PORT") == (3999, "command line", None, None, 3000)
        assert shown("MAX_ERROR_COUNT") == (5, "environment", None, 4, 3)
        assert shown("STRICT") == (False, "environment", ".env", True, False)
        assert shown("OPENAI_API_KEY") == ("***wxyz", "file", "configs/config.json", "***wxyz", None)
        assert shown("HOST") == ("127.0.0.1", "default", None, None, "127.0.0.1")
        assert found["unknown"] == {"later": {"token": "***opqr"}}
        assert found["problems"] == []

        flat = await managed.get("/api/config")
        assert (flat["MAX_ERROR_COUNT"], flat["OPENAI_API_KEY"], flat["isDefaultPassword"]) == (5, "***wxyz", False)
        assert KEY not in json.dumps([found, flat])


async def test_what_was_read_can_be_sent_back(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"OPENAI_API_KEY": KEY, "CORS_ORIGINS": "https://a https://b", "later": {"token": "abcdefghijklmnopqr"}}
    path = home.config(content)
    monkeypatch.setenv("CLAUDE_API_KEY", "sk-ant-abcdefghijklmnopqrst")
    before = path.read_bytes()
    async with managed_server(home) as managed:
        done = await changed(managed, await managed.get("/api/config"))
        assert done["changes"] == []
        assert path.read_bytes() == before


async def test_changes_are_in_use_at_once_and_nothing_else_is_lost(managed: Managed) -> None:
    path = managed.home.config({"later": [1, {"x": None}], "STRICT": True, "OPENAI_API_KEY": KEY})
    body = {"MAX_ERROR_COUNT": 7, "STRICT": None, "OPENAI_API_KEY": "***wxyz", "REQUIRED_API_KEY": "******"}
    done = await changed(managed, body)
    assert managed.config == {"later": [1, {"x": None}], "OPENAI_API_KEY": KEY, "MAX_ERROR_COUNT": 7}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert managed.part.settings.max_error_count == 7
    assert done["changes"] == [
        {"name": "STRICT", "before": True, "after": None},
        {"name": "MAX_ERROR_COUNT", "before": None, "after": 7},
    ]
    name, data = managed.events()[-1]
    assert (name, data["action"], data["settings"]) == ("config_update", "update", ["STRICT", "MAX_ERROR_COUNT"])


async def test_a_preview_writes_nothing_and_shows_no_secret(managed: Managed) -> None:
    body = {"OPENAI_API_KEY": KEY, "DATA_DIR": "elsewhere", "HOST": "::1"}
    answer = await managed.ask("POST", "/api/config?dry_run=1", body)
    done = answer.json()
    assert (done["dryRun"], done["atStart"]) == (True, ["DATA_DIR"])
    assert done["changes"][0] == {"name": "OPENAI_API_KEY", "before": None, "after": "***wxyz"}
    assert KEY not in answer.text
    assert not (managed.home.configs / "config.json").exists()
    assert managed.part.settings.host == "127.0.0.1"
    assert "SERVER_PORT" in await places(managed, {"SERVER_PORT": 99999})


async def test_what_the_environment_overrules_is_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_ERROR_COUNT", "5")
    async with managed_server(home) as managed:
        done = await changed(managed, {"MAX_ERROR_COUNT": 6})
        assert done["overruled"] == {"MAX_ERROR_COUNT": "environment"}
        assert managed.config == {"MAX_ERROR_COUNT": 6}
        assert managed.part.settings.max_error_count == 5


async def test_every_mistake_is_told_with_its_place(managed: Managed) -> None:
    body = {"SERVER_PORT": "x", "CORS_ORIGINS": ["a", 1], "modelFacts": [{}, 3], "PORT": 1, "CONFIG_DIR": "x"}
    found = await places(managed, body)
    assert found.keys() == {"SERVER_PORT", "CORS_ORIGINS.1", "modelFacts.1", "PORT", "CONFIG_DIR"}
    assert found["PORT"] == "no setting of this version has this name"
    assert not (managed.home.configs / "config.json").exists()


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"MODEL_PROVIDER": "nobody"}, "MODEL_PROVIDER"),
        ({"TLS_CERTIFICATE": "missing.pem", "TLS_KEY": "missing.pem"}, "TLS_CERTIFICATE"),
        ({"modelFacts": [{"model": "x", "facts": {"nonsense": 1}}]}, "modelFacts"),
        ({"OPENAI_API_KEY": "***else"}, "OPENAI_API_KEY"),
        ({"OPENAI_BASE_URL": "ftp://host"}, "OPENAI_BASE_URL"),
        ({"REQUIRED_API_KEY": "your-secure-api-key"}, "REQUIRED_API_KEY"),
    ],
)
async def test_what_a_start_could_not_use_is_not_written(managed: Managed, body: Any, place: str) -> None:
    assert (await places(managed, body)).keys() == {place}
    assert not (managed.home.configs / "config.json").exists()


@pytest.mark.parametrize(
    "text", ['{"modelAliases": {"a": "\\ud800"}}', '{"DRAIN_SECONDS": NaN}', '{"later": "\\udfff"}']
)
async def test_what_no_file_can_hold_is_refused(managed: Managed, text: str) -> None:
    managed.home.config({"later": 1})
    headers = {"authorization": f"Bearer {managed.session}", "content-type": "application/json"}
    answer = await managed.client.post("/api/config", content=text, headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert managed.config == {"later": 1}


async def test_a_stale_revision_changes_nothing(managed: Managed) -> None:
    stale = (await managed.ask("GET", "/api/config")).headers["etag"]
    await changed(managed, {"MAX_ERROR_COUNT": 4}, if_match=stale)
    for query in ("", "?dry_run=1"):
        status, message = await managed.refusal("POST", f"/api/config{query}", {"MAX_ERROR_COUNT": 5}, if_match=stale)
        assert (status, "changed by somebody else" in message) == (412, True)
    assert managed.config == {"MAX_ERROR_COUNT": 4}
    fresh = (await managed.ask("GET", "/api/config")).headers["etag"]
    await changed(managed, {"MAX_ERROR_COUNT": 5}, if_match=fresh)


async def test_a_broken_file_is_told_and_its_last_good_copy_shown(managed: Managed) -> None:
    await changed(managed, {"MAX_ERROR_COUNT": 7})
    path = managed.home.config("{ broken")
    await managed.part.supervision.reload()

    shown = await managed.get("/api/config")
    assert shown["MAX_ERROR_COUNT"] == 7
    assert "config.json can't be read" in shown["problems"][0]
    assert shown["problems"] == (await managed.get("/api/system"))["problems"]
    assert (await managed.refusal("POST", "/api/config", {"MAX_ERROR_COUNT": 8}))[0] == 409
    assert path.read_text() == "{ broken"


async def test_the_schema_helps_with_every_setting(managed: Managed) -> None:
    schema = await managed.get("/api/config/schema")
    properties = schema["properties"]
    assert properties.keys() == configuration_type().model_fields.keys()
    port = properties["SERVER_PORT"]
    assert (port["type"], port["minimum"], port["maximum"], port["default"]) == ("integer", 0, 65535, 3000)
    assert (port["title"], port["x-group"], port["x-secret"]) == ("Server port", "Server", False)
    assert properties["REQUIRED_API_KEY"]["x-secret"]
    assert "openai-custom" in properties["MODEL_PROVIDER"]["examples"]
    for name, content in properties.items():
        assert (content["x-group"], content["description"]) == help_of(name)
        assert content["x-zh"] == help_in_chinese(name)


async def test_a_change_while_the_settings_are_read_passes_for_unseen(
    managed: Managed, monkeypatch: pytest.MonkeyPatch
) -> None:
    import codenex.control.config_api as api

    managed.home.config({"MAX_ERROR_COUNT": 4})
    before, real = (managed.home.configs / "config.json").read_bytes(), api._in_use

    async def and_then_changed(part: Any) -> Any:
        found = await real(part)
        managed.home.config({"MAX_ERROR_COUNT": 5})
        return found

    monkeypatch.setattr(api, "_in_use", and_then_changed)
    answer = await managed.ask("GET", "/api/config?explain=true")
    assert answer.json()["settings"]["MAX_ERROR_COUNT"]["stored"] == 4
    assert answer.headers["etag"] == f'"{revision_of(before)}"'
