"""Bad input is a 4xx in the client's own protocol, whatever it is; never a 500, never a crash."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.client import RawClient
from tests.support.gateway import running_gateway, settings_for

from codenex.core import json
from codenex.core.errors import Fault
from codenex.gateway.routes import matched
from codenex.gateway.spokes import SPOKES
from codenex.store.settings import Account

FORMATS = {
    "/v1/chat/completions": ("messages", [{"role": "user", "content": "hi"}]),
    "/v1/responses": ("input", "hi"),
    "/v1/messages": ("messages", [{"role": "user", "content": "hi"}]),
    "/v1beta/models/demo:generateContent": ("contents", [{"role": "user", "parts": [{"text": "hi"}]}]),
}
MALFORMED = {
    "empty": b"",
    "text": b"hello",
    "array": b"[]",
    "number": b"1",
    "cut": b'{"model":"demo","messages":[{"role":"user"',
    "nan": b'{"model":"demo","temperature":NaN,"messages":[]}',
    "infinity": b'{"model":"demo","max_tokens":Infinity}',
    "lone surrogate": b'{"model":"demo","messages":[{"role":"user","content":"\\ud800"}]}',
    "bad utf-8": b'{"model":"demo","messages":[{"role":"user","content":"\xff"}]}',
    "deep": b'{"model":"demo","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "somewhat deep": b'{"model":"demo","messages":' + b"[" * 1100 + b"]" * 1100 + b"}",
    "a number of 5,000 digits": b'{"model":"demo","max_tokens":' + b"9" * 5000 + b"}",
    "stream twice, by escapes": b'{"model":"demo","stream":true,"str\\u0065am":false}',
    "model twice": b'{"model":"demo","model":"other"}',
    "byte order mark twice": b'\xef\xbb\xbf\xef\xbb\xbf{"model":"demo"}',
    "trailing": b'{"model":"demo"} {"model":"demo"}',
    "nul": b'{"model":"demo"\x00}',
}
WRONG = [
    1,
    1.5,
    True,
    "text",
    [],
    {},
    [1],
    ["x"],
    [[]],
    [{}],
    [{"role": 5}],
    [{"role": "user", "content": 7}],
    {"a": 1},
]


async def post(client, gateway, path, body):
    response = await client.ask("POST", path, headers=gateway.headers, body=body)
    error = response.json["error"] if response.status >= 400 else None
    if error is not None:
        assert error["message"]
        assert "Traceback" not in error["message"]
        if path.startswith("/v1/messages"):
            assert response.json["type"] == "error"
    return response


@pytest.mark.parametrize("path", FORMATS)
@pytest.mark.parametrize("name", MALFORMED)
async def test_malformed_bodies(path, name):
    async with running_gateway() as gateway, await RawClient.connect(gateway.port) as client:
        response = await post(client, gateway, path, MALFORMED[name])
        assert response.status == 400, response.body


@pytest.mark.parametrize("path", FORMATS)
async def test_missing_model_and_conversation(path):
    field, value = FORMATS[path]
    async with running_gateway() as gateway, await RawClient.connect(gateway.port) as client:
        if "models/" not in path:
            assert (await post(client, gateway, path, json.encode({field: value}))).status == 400
            assert (await post(client, gateway, path, json.encode({"model": "", field: value}))).status == 400
            assert (await post(client, gateway, path, json.encode({"model": "demo"}))).status == 400
        assert (await post(client, gateway, path, b"{}")).status == 400


@pytest.mark.parametrize("path", FORMATS)
async def test_wrong_types_everywhere(path):
    field, value = FORMATS[path]
    names = [field, "model", "stream", "tools", "tool_choice", "temperature", "max_tokens", "system", "stop"]
    names += ["generationConfig", "systemInstruction", "toolConfig", "reasoning", "text", "response_format", "thinking"]
    names += ["stream_options", "functions", "metadata", "instructions", "max_output_tokens", "output_config", "n"]
    async with running_gateway() as gateway, await RawClient.connect(gateway.port) as client:
        for name in names:
            for wrong in WRONG:
                body = {"model": "demo", "max_tokens": 10, field: value, name: wrong}
                response = await post(client, gateway, path, json.encode(body))
                assert response.status == 200 or 400 <= response.status < 500, (body, response.body)


@pytest.mark.parametrize("path", FORMATS)
async def test_oversized_bodies(path):
    limited = settings_for(max_body_bytes=10_000)
    async with running_gateway(limited) as gateway, await RawClient.connect(gateway.port) as client:
        response = await post(client, gateway, path, b'{"x":"' + b"x" * 20_000 + b'"}')
        assert response.status == 413


@pytest.mark.parametrize("path", FORMATS)
async def test_unknown_models_are_404_where_the_provider_lists_its_models(path):
    account = Account("a", "openai-custom", base_url="http://127.0.0.1:1/v1", supported_models=("known",))
    field, value = FORMATS[path]
    async with running_gateway(settings_for(account)) as gateway, await RawClient.connect(gateway.port) as client:
        path = path.replace("demo", "unknown")
        response = await post(client, gateway, path, json.encode({"model": "unknown", "max_tokens": 5, field: value}))
        assert response.status == 404, response.body


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "type",
                    "text",
                    "tool_calls",
                    "id",
                    "function",
                    "name",
                    "arguments",
                    "parts",
                    "input",
                    "functionCall",
                    "inlineData",
                    "functionResponse",
                    "data",
                    "source",
                    "image_url",
                    "output",
                    "summary",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("path", FORMATS)
@given(body=st.dictionaries(st.sampled_from(["messages", "input", "contents", "tools", "system", "tool_choice"]), JSON))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_shape_crashes_a_decoder(path, body):
    spoke = SPOKES[matched(path).protocol]
    # Anything but a fault of the caller would surface here.
    status = 400
    with suppress(Fault):
        spoke.decode_request(json.encode({"model": "demo", "max_tokens": 5, **body}), "demo")
        status = 200
    assert status in (200, 400)
