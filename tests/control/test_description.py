"""The OpenAPI document: complete, typed, and true about what is answered."""

from __future__ import annotations

from typing import Any

from tests.control.managed import Managed

from codenex.control.guard import OPEN

#: Answers that are what the schema says they are, or nothing of JSON.
_FREE = {"/api/config/schema", "/api/events"}


async def operations(managed: Managed) -> list[tuple[str, str, Any]]:
    paths = (await managed.get("/api/openapi.json"))["paths"]
    return [(method.upper(), path, content) for path, ways in paths.items() for method, content in ways.items()]


async def test_every_answer_has_a_type(managed: Managed) -> None:
    for method, path, operation in await operations(managed):
        good = [content for status, content in operation["responses"].items() if status in ("200", "201")]
        assert len(good) == 1, (method, path)
        (content,) = good
        assert content["content"], (method, path)
        for media in content["content"].values():
            schema = media["schema"]
            assert schema, (method, path)
            if path not in _FREE:
                typed = schema.get("type") != "object" or isinstance(schema.get("additionalProperties"), dict)
                assert typed, (method, path)


async def test_every_error_is_told_in_the_one_shape(managed: Managed) -> None:
    reference = {"$ref": "#/components/schemas/ErrorAnswer"}
    for method, path, operation in await operations(managed):
        responses = operation["responses"]
        guarded = (method, path) not in OPEN
        assert ({"401", "403"} <= responses.keys()) or not guarded, (method, path)
        assert bool(operation.get("security")) is guarded
        if method in ("POST", "PUT"):
            assert {"400", "411", "413", "422"} <= responses.keys(), (method, path)
        for status, content in responses.items():
            if int(status) >= 400 and path != "/api/restart-service":
                assert content["content"]["application/json"]["schema"] == reference, (method, path, status)


async def test_references_lead_somewhere(managed: Managed) -> None:
    document = await managed.get("/api/openapi.json")
    schemas = document["components"]["schemas"]

    def check(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(reference := value.get("$ref"), str):
                assert reference.removeprefix("#/components/schemas/") in schemas, reference
            for inner in value.values():
                check(inner)
        elif isinstance(value, list):
            for inner in value:
                check(inner)

    check(document)
    assert "HTTPValidationError" not in schemas


async def test_statuses_that_happen_are_in_the_document(managed: Managed) -> None:
    told = {(method, path): operation["responses"] for method, path, operation in await operations(managed)}
    one = "/api/providers/{provider_type}/{uuid}"
    happenings = [
        ("GET", "/api/providers", "/api/providers", None, {"authorization": "x"}, 401),
        ("POST", "/api/providers", "/api/providers", {"x": 1}, {}, 422),
        ("PUT", one, "/api/providers/openai-custom/a", {"providerConfig": {}}, {}, 404),
        ("POST", "/api/config", "/api/config", {"HOST": 1}, {}, 422),
        ("POST", "/api/config", "/api/config", {"STRICT": True}, {"if-match": '"x"'}, 412),
        ("GET", "/api/upload-configs/view/{path}", "/api/upload-configs/view/x", None, {}, 404),
        ("DELETE", "/api/upload-configs/delete/{path}", "/api/upload-configs/delete/api_key", None, {}, 403),
        ("POST", "/api/upload-oauth-credentials", "/api/upload-oauth-credentials", {}, {}, 415),
        ("GET", "/api/requests", "/api/requests", None, {}, 503),
        ("GET", "/api/requests", "/api/requests?limit=0", None, {}, 422),
        ("POST", "/api/setup", "/api/setup", {"token": "x", "password": "long enough for it"}, {}, 409),
        ("POST", "/api/login", "/api/login", {"password": "wrong"}, {}, 401),
    ]
    for method, path, target, body, headers, status in happenings:
        answer = await managed.client.request(
            method, target, json=body, headers={"authorization": f"Bearer {managed.session}", **headers}
        )
        assert answer.status_code == status, (method, target, answer.text)
        assert str(status) in told[method, path], (method, path, status)


async def test_a_master_that_does_not_answer_is_a_503(managed: Managed) -> None:
    async def late() -> None:
        raise TimeoutError

    managed.part.supervision.reload = late  # type: ignore[method-assign,assignment]
    status, message = await managed.refusal("POST", "/api/reload-config")
    assert (status, "in time" in message) == (503, True)
