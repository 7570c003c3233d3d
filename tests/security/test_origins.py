"""An account's key goes to the account's own address: no redirect, client or other account takes it elsewhere."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any, get_args

import pytest
from tests.security.trap import Trap
from tests.support.client import RawClient, RawResponse
from tests.support.gateway import KEY, PROVIDERS, RunningGateway, account_for, running_gateway, settings_for
from tests.support.replies import Unary
from tests.support.requests import BODIES, GENERATE, STREAM
from tests.support.vendor import KEY as UPSTREAM_KEY
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName

PROTOCOLS = get_args(ProtocolName)
REDIRECTS = (300, 301, 302, 303, 307, 308)


async def asked(
    gateway: RunningGateway,
    protocol: ProtocolName,
    *,
    stream: bool = False,
    path: str = "",
    headers: Sequence[tuple[str, str]] = (),
    **more: Any,
) -> RawResponse:
    body = {**BODIES[protocol], **more}
    if stream and protocol != "gemini":
        body["stream"] = True
    target = path or (STREAM if stream else GENERATE)[protocol]
    async with await RawClient.connect(gateway.port) as client:
        return await client.ask("POST", target, body, [("authorization", f"Bearer {KEY}"), *headers], timeout=20)


def redirect(status: int, place: str) -> Unary:
    return Unary(b"<html>moved</html>", status, [("location", place), ("content-type", "text/html")])


# --- redirects


@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("client", PROTOCOLS)
async def test_no_redirect_of_an_upstream_is_followed(client: ProtocolName, upstream: ProtocolName) -> None:
    async with Trap() as trap, ScriptedVendor(upstream, validate=False) as vendor:
        account = account_for(vendor)
        headers = [("model-provider", account.provider)]
        async with running_gateway(settings_for(account)) as gateway:
            for status in REDIRECTS:
                # Elsewhere, and at the same place: a second request would be one that nobody has asked for.
                for place in (f"{trap.url}/v1/chat/completions", "/v1/elsewhere"):
                    before = len(vendor.requests)
                    vendor.answer_next(redirect(status, place))
                    answer = await asked(gateway, client, stream=status % 2 == 0, headers=headers)
                    assert answer.status >= 500, (status, answer.body)
                    assert len(vendor.requests) == before + 1
                    assert answer.headers.get("location") is None
                    gateway.gateway.accounts.succeeded(account)
        assert (trap.connections, trap.got) == (0, b"")
        assert "/v1/elsewhere" not in {request.path for request in vendor.requests}


# --- what a client says of where a request should go

FIELDS = """api_base base_url apiBase baseUrl baseURL OPENAI_BASE_URL custom_host customHost endpoint upstream url
    target proxy proxyUrl api_url azure_endpoint host provider_url callback webhook aws_bedrock_runtime_endpoint"""
HEADERS = """x-portkey-custom-host x-upstream x-upstream-url x-base-url x-api-base base-url openai-base-url
    x-forwarded-host x-original-url x-rewrite-url x-host x-forwarded-server forwarded x-target-url x-codenex-base-url
    proxy x-proxy-url helicone-target-url helicone-openai-api-base cf-aig-target location destination"""
INSIDE = ("metadata", "extra_body", "litellm_params")


def wishes(trap: Trap) -> list[dict[str, Any]]:
    """Ways in which other gateways let, or have let, a client choose the upstream: fields, headers, paths."""
    url, host, path = trap.url, f"127.0.0.1:{trap.port}", GENERATE["openai_chat"]
    fields, headers = FIELDS.split(), HEADERS.split()
    models = (f"{url}/m", f"openai-custom/{url}", f"@{host}/m", f"//{host}/m", f"m@{host}", f"openai-custom/../{host}")
    targets = (f"{url}{path}", f"/{url}{path}", f"//{host}{path}", f"/@{host}{path}", f"{path}?base_url={url}")
    found: list[dict[str, Any]] = [{"fields": {name: value}} for name in fields for value in (url, f"{url}/v1", host)]
    found += [{"fields": {place: {name: url}}} for name in fields[:10] for place in INSIDE]
    found += [{"headers": [(name, value)]} for name in headers for value in (url, host, f"host={host}")]
    found += [{"headers": [("host", value)]} for value in (host, f"{host}/v1?", f"x@{host}")]
    found += [{"headers": [("model-provider", value)]} for value in (url, host, f"openai-custom@{host}")]
    found += [{"fields": {"model": model}} for model in models]
    found += [{"path": target} for target in targets]
    return found


async def test_no_client_chooses_where_a_request_goes() -> None:
    async with Trap() as trap, ScriptedVendor("openai_chat", validate=False, models=["m"]) as vendor:
        chosen = wishes(trap)
        random.Random(7).shuffle(chosen)
        # Two wishes at once, too.
        chosen += [{**one, **other} for one, other in zip(chosen[::2], chosen[1::2], strict=False)]
        assert len(chosen) > 200
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            for number, wish in enumerate(chosen):
                how = {name: wish[name] for name in ("path", "headers") if name in wish} | wish.get("fields", {})
                answer = await asked(gateway, "openai_chat", stream=number % 5 == 0, **how)
                assert answer.status < 500, (wish, answer.body)
                assert UPSTREAM_KEY.encode() not in answer.body
        assert (trap.connections, trap.got) == (0, b"")
        # Most of them are served: by the upstream that was configured, under its own name.
        assert len(vendor.requests) > len(chosen) / 2
        assert {request.headers.get("host") for request in vendor.requests} == {f"127.0.0.1:{vendor.port}"}
        assert {request.path for request in vendor.requests} == {"/v1/chat/completions"}


# --- several accounts


async def test_each_upstream_gets_its_own_key_alone() -> None:
    """Also where accounts of several protocols take over from each other, again and again."""
    keys = {protocol: f"own-key-of-{protocol}-{number}" for number, protocol in enumerate(PROTOCOLS)}
    async with (
        ScriptedVendor("openai_chat", key=keys["openai_chat"], validate=False) as chat,
        ScriptedVendor("openai_responses", key=keys["openai_responses"], validate=False) as responses,
        ScriptedVendor("anthropic", key=keys["anthropic"], validate=False) as anthropic,
        ScriptedVendor("gemini", key=keys["gemini"], validate=False) as gemini,
    ):
        vendors = [chat, responses, anthropic, gemini]
        accounts = [
            account_for(vendor, number, api_key=keys[vendor.dialect.name], headers={"x-own": f"header-{vendor.port}"})
            for number, vendor in enumerate(vendors)
        ]
        names = [PROVIDERS[protocol][0] for protocol in PROTOCOLS]
        chains = {name: tuple(other for other in names if other != name) for name in names}
        settings = settings_for(*accounts, fallback_chain=chains, explicit_fallback=True)
        async with running_gateway(settings) as gateway:
            for turn in range(12):
                for protocol in PROTOCOLS:
                    vendors[turn % 4].answer_next(Unary(b'{"error":{"message":"busy"}}', 503))
                    headers = [("model-provider", PROVIDERS[protocol][0])]
                    await asked(gateway, protocol, stream=turn % 2 == 0, headers=headers)
        for vendor in vendors:
            assert len(vendor.requests) > 3, vendor.dialect.name
            seen = json.dumps([[request.headers.pairs, request.target] for request in vendor.requests])
            seen += repr([request.body for request in vendor.requests])
            others = [key for protocol, key in keys.items() if protocol != vendor.dialect.name]
            others += [f"header-{other.port}" for other in vendors if other is not vendor]
            assert [secret for secret in (*others, KEY) if secret in seen] == []
            assert keys[vendor.dialect.name] in seen
