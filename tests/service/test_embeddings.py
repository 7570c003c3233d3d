"""Embeddings: the official SDKs of both vendors against both kinds of upstreams, and what passes through or is lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2 as httpx
import openai
import pytest
from google import genai
from google.genai import errors as google_errors
from google.genai import types
from tests.support.client import RawClient
from tests.support.gateway import KEY, RunningGateway, account_for, running_gateway, settings_for
from tests.support.replies import Unary
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.embeddings import vector_of

OPENAI_LIKE = ["openai_chat", "openai_responses"]
UPSTREAMS = [*OPENAI_LIKE, "gemini"]
TEXTS = ["first", "second", "thïrd"]


class Site:
    """One gateway in front of one vendor, with both SDKs; ``losses`` is of the last answer."""

    def __init__(self, gateway: RunningGateway, vendor: ScriptedVendor) -> None:
        self.gateway, self.vendor, self.losses = gateway, vendor, ""
        self.http = httpx.AsyncClient(timeout=30, event_hooks={"response": [self._note]})
        self.openai = openai.AsyncOpenAI(
            base_url=gateway.url + "/v1", api_key=KEY, http_client=self.http, max_retries=0
        )
        options = types.HttpOptions(base_url=gateway.url, httpx_async_client=self.http)
        self.google = genai.Client(api_key=KEY, http_options=options).aio

    async def _note(self, response: httpx.Response) -> None:
        self.losses = response.headers.get("x-codenex-losses", "")

    @property
    def usage(self) -> Any:
        return self.gateway.records[-1].notes.usage


@asynccontextmanager
async def site(protocol: Any, **fields: Any) -> AsyncIterator[Site]:
    async with ScriptedVendor(protocol) as vendor:
        async with running_gateway(settings_for(account_for(vendor, **fields))) as gateway:
            running = Site(gateway, vendor)
            async with running.http:
                yield running


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("encoding", [None, "float", "base64"])
async def test_openai_clients_get_vectors_of_every_upstream_in_order(upstream: str, encoding: Any) -> None:
    async with site(upstream) as here:
        options = {} if encoding is None else {"encoding_format": encoding}
        answer = await here.openai.embeddings.create(model="m", input=TEXTS, dimensions=16, **options)
        if encoding == "base64":
            # The SDK leaves to the caller what the caller asked for.
            assert all(isinstance(entry.embedding, str) for entry in answer.data)
        else:
            assert [entry.embedding for entry in answer.data] == [vector_of(text, 16) for text in TEXTS]
        assert [entry.index for entry in answer.data] == [0, 1, 2]
        assert (answer.model, answer.object) == ("m", "list")
        assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0
        assert here.losses == ("1; usage=approximated" if upstream == "gemini" else "")
        assert here.usage.input_total == answer.usage.prompt_tokens
        assert here.vendor.problems == []

        (one,) = (await here.openai.embeddings.create(model="m", input="alone")).data
        assert one.embedding == vector_of("alone")


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_google_clients_get_vectors_of_every_upstream_in_order(upstream: str) -> None:
    async with site(upstream) as here:
        config = types.EmbedContentConfig(output_dimensionality=16)
        answer = await here.google.models.embed_content(model="m", contents=list(TEXTS), config=config)
        assert answer.embeddings is not None
        assert [entry.values for entry in answer.embeddings] == [vector_of(text, 16) for text in TEXTS]
        assert here.losses == ""
        if upstream in OPENAI_LIKE:
            assert answer.usage_metadata is not None
            assert answer.usage_metadata.prompt_token_count == 15
        assert here.vendor.problems == []


async def test_what_google_alone_knows_is_told_to_be_lost() -> None:
    async with site("openai_chat") as here:
        config = types.EmbedContentConfig(task_type="RETRIEVAL_DOCUMENT", title="A title")
        await here.google.models.embed_content(model="m", contents="text", config=config)
        assert here.losses == "2; taskType=dropped, title=dropped"
        assert here.vendor.requests[-1].json == {"model": "m", "input": "text"}
    async with site("gemini") as here:
        await here.google.models.embed_content(model="m", contents="text", config=config)
        assert here.losses == ""
        assert here.vendor.requests[-1].json["requests"][0]["taskType"] == "RETRIEVAL_DOCUMENT"


async def test_what_openai_alone_knows_is_told_to_be_lost_or_refused() -> None:
    async with site("gemini") as here:
        await here.openai.embeddings.create(model="m", input="text", user="somebody")
        assert here.losses == "2; user=dropped, usage=approximated"
        with pytest.raises(openai.BadRequestError, match="not tokens") as caught:
            await here.openai.embeddings.create(model="m", input=[[1, 2], [3]])
        assert caught.value.param == "input"
        strict = {"x-codenex-strict": "1"}
        with pytest.raises(openai.BadRequestError, match="strict mode"):
            await here.openai.embeddings.create(model="m", input="text", user="somebody", extra_headers=strict)
        assert len(here.vendor.requests) == 1
        # A count that the gateway estimates is told, but it is nothing that the request lost.
        await here.openai.embeddings.create(model="m", input="text", extra_headers=strict)
        assert here.losses == "1; usage=approximated"


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]]])
async def test_tokens_reach_upstreams_of_their_own_kind(tokens: Any) -> None:
    async with site("openai_chat") as here:
        answer = await here.openai.embeddings.create(model="m", input=tokens)
        wanted = [tokens] if isinstance(tokens[0], int) else tokens
        assert [entry.embedding for entry in answer.data] == [vector_of(entry) for entry in wanted]


async def test_more_texts_than_google_takes_in_a_batch_are_asked_for_in_pieces() -> None:
    texts = [f"text {number}" for number in range(250)]
    async with site("gemini") as here:
        here.vendor.counts_embeddings = True
        answer = await here.openai.embeddings.create(model="m", input=texts)
        assert [entry.embedding for entry in answer.data] == [vector_of(text) for text in texts]
        assert answer.usage.prompt_tokens == 5 * 250
        assert here.losses == ""
        assert [len(request.json["requests"]) for request in here.vendor.requests] == [100, 100, 50]


BODIES = {
    "openai_chat": ("/v1/embeddings", b'{"input":["h\xc3\xa9"], "model" : "m","x_new":[1.0,2E3]}'),
    "openai_responses": ("/v1/embeddings", b'{"input":["h\xc3\xa9"], "model" : "m","x_new":[1.0,2E3]}'),
    "gemini": (
        "/v1beta/models/m:batchEmbedContents",
        b'{"requests":[{"model":"models/m", "content":{"parts":[{"text":"h\xc3\xa9"}]},"xNew":2E3}]}',
    ),
}


@pytest.mark.parametrize("protocol", BODIES)
async def test_equal_protocols_pass_every_byte_and_an_alias_changes_the_model_alone(protocol: str) -> None:
    path, sent = BODIES[protocol]
    answered = b'{ "embeddings": [{"values": [1E-2]}], "data": [{"embedding":"AAAA", "index":0}] }'
    async with site(protocol, aliases={"short": "the-long-name"}) as here:
        for method in ("/v1/embeddings", "/v1beta/models/{model}:batchEmbedContents"):
            here.vendor.on("POST", method, lambda _: Unary(answered))
        async with await RawClient.connect(here.gateway.port) as client:
            answer = await client.ask("POST", path, sent, here.gateway.headers)
            assert answer.body == answered
            assert here.vendor.requests[-1].content == sent
            renamed = sent.replace(b"models/m", b"models/short").replace(b': "m"', b': "short"')
            await client.ask("POST", path.replace("/m:", "/short:"), renamed, here.gateway.headers)
        arrived = here.vendor.requests[-1]
        wanted = renamed.replace(b"short", b"the-long-name").replace(b" ", b"")
        assert arrived.content == wanted
        assert protocol != "gemini" or arrived.path.endswith("/models/the-long-name:batchEmbedContents")


async def test_a_single_text_of_google_is_answered_as_one() -> None:
    body = {"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "output_dimensionality": 4}
    async with site("openai_chat") as here, await RawClient.connect(here.gateway.port) as client:
        answer = await client.ask("POST", "/v1beta/models/m:embedContent", body, here.gateway.headers)
        assert answer.json["embedding"]["values"] == vector_of("a\nb", 4)
        assert answer.headers.get("x-codenex-losses") == "1; content.parts=adapted"


async def test_a_server_without_base64_can_be_normalised() -> None:
    floats = b'{"object":"list","data":[{"index":1,"embedding":[2.0]},{"index":0,"embedding":[0.5]}],"model":"x"}'
    async with site("openai_chat", normalise=True) as here:
        here.vendor.on("POST", "/v1/embeddings", lambda _: Unary(floats))
        answer = await here.openai.embeddings.create(model="m", input=["a", "b"])
        assert [entry.embedding for entry in answer.data] == [[0.5], [2.0]]
        assert answer.usage.prompt_tokens == 2


async def test_a_provider_without_embeddings_says_so_in_the_clients_protocol() -> None:
    async with site("anthropic") as here:
        with pytest.raises(openai.BadRequestError, match="claude-custom has no embeddings") as caught:
            await here.openai.embeddings.create(model="m", input="text")
        assert caught.value.param == "model"
        with pytest.raises(google_errors.ClientError, match="claude-custom has no embeddings") as refused:
            await here.google.models.embed_content(model="m", contents="text")
        assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
        assert here.vendor.requests == []


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_errors_are_in_the_clients_protocol(upstream: str) -> None:
    async with site(upstream) as here:
        with pytest.raises(openai.BadRequestError):
            await here.openai.embeddings.create(model="m", input="text", dimensions=100_000)
        with pytest.raises(google_errors.ClientError) as caught:
            config = types.EmbedContentConfig(output_dimensionality=100_000)
            await here.google.models.embed_content(model="m", contents="text", config=config)
        assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense",
        b'{"data": 5, "embeddings": 5}',
        b'{"data": [{"embedding": "AAA"}], "embeddings": [{"values": ["1"]}]}',
        b'{"data": [{"embedding": null}], "embeddings": [null]}',
        b'{"data": [], "embeddings": []}',
    ],
)
async def test_an_answer_that_is_none_is_a_fault_of_the_upstream(upstream: str, answer: bytes) -> None:
    async with site(upstream) as here:
        for method in ("/v1/embeddings", "/v1beta/models/{model}:batchEmbedContents"):
            here.vendor.on("POST", method, lambda _: Unary(answer))
        async with await RawClient.connect(here.gateway.port) as client:
            path, body = BODIES["openai_chat" if upstream == "gemini" else "gemini"]
            got = await client.ask("POST", path, body, here.gateway.headers)
        assert got.status == 502


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["a", None]}, "input[1]"),
        ({"input": ["a", [1, True]]}, "input[1]"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": "many"}, "dimensions"),
    ],
)
async def test_a_malformed_request_of_openai_is_refused_before_anything_is_sent(body: Any, param: str) -> None:
    async with site("gemini") as here, await RawClient.connect(here.gateway.port) as client:
        answer = await client.ask("POST", "/v1/embeddings", {"model": "m", **body}, here.gateway.headers)
        assert (answer.status, answer.json["error"]["param"]) == (400, param)
        assert here.vendor.requests == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "requests"),
        ({"requests": []}, "requests"),
        ({"requests": [{}]}, "requests[0].content"),
        ({"requests": [{"content": {"parts": [{"inlineData": {}}]}}]}, "text alone"),
        ({"requests": [{"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 0}]}, "outputDimensionality"),
        (
            {"requests": [{"content": {"parts": [{"text": "a"}]}, "outputDimensionality": n} for n in (8, 9)]},
            "one length",
        ),
    ],
)
async def test_a_malformed_request_of_google_is_refused_before_anything_is_sent(body: Any, word: str) -> None:
    async with site("openai_chat") as here, await RawClient.connect(here.gateway.port) as client:
        answer = await client.ask("POST", "/v1beta/models/m:batchEmbedContents", body, here.gateway.headers)
        assert answer.status == 400
        assert word in answer.json["error"]["message"]
        assert here.vendor.requests == []


async def test_another_account_takes_over_but_never_another_provider_type() -> None:
    async with ScriptedVendor("openai_chat") as vendor, ScriptedVendor("gemini") as other:
        vendor.on("POST", "/v1/embeddings", lambda _: vendor.dialect.errors.error("internal"))
        accounts = [account_for(vendor, 0), account_for(vendor, 1), account_for(other)]
        settings = settings_for(
            *accounts, fallback_chain={"openai-custom": ("gemini-custom",)}, model_provider="openai-custom"
        )
        async with running_gateway(settings) as gateway, await RawClient.connect(gateway.port) as client:
            path, body = BODIES["openai_chat"]
            answer = await client.ask("POST", path, body, gateway.headers)
        assert answer.status == 500
        assert len(vendor.requests) == 2
        assert other.requests == []


async def test_the_demo_gives_the_same_text_the_same_vector_and_likeness_a_meaning() -> None:
    def likeness(one: list[float], two: list[float]) -> float:
        return sum(a * b for a, b in zip(one, two, strict=True))

    async with running_gateway(settings_for()) as gateway, httpx.AsyncClient() as http:
        client = openai.AsyncOpenAI(base_url=gateway.url + "/v1", api_key=KEY, http_client=http, max_retries=0)
        texts = ["the cat sat on the mat", "a cat on a mat", "prices of crude oil", ""]
        data = (await client.embeddings.create(model="demo", input=texts)).data
        first, near, far, empty = (entry.embedding for entry in data)
        assert likeness(first, near) > likeness(first, far) + 0.2
        assert all(abs(likeness(vector, vector) - 1) < 1e-6 for vector in (first, near, far, empty))
        again = await client.embeddings.create(model="demo", input=texts[0])
        assert again.data[0].embedding == first
        tokens = await client.embeddings.create(model="demo", input=[5, 6, 7], dimensions=3072)
        assert len(tokens.data[0].embedding) == 3072
        assert tokens.usage.prompt_tokens == 3
        with pytest.raises(openai.BadRequestError, match="3072"):
            await client.embeddings.create(model="demo", input="x", dimensions=3073)
        options = types.HttpOptions(base_url=gateway.url, httpx_async_client=http)
        google = await genai.Client(api_key=KEY, http_options=options).aio.models.embed_content(
            model="demo", contents=texts[:1]
        )
        assert google.embeddings is not None
        assert google.embeddings[0].values == pytest.approx(first, abs=1e-7)


async def test_models_that_only_embed_are_listed_but_not_offered_to_talk_to() -> None:
    resources = [
        {"name": "models/talks", "supportedGenerationMethods": ["generateContent"]},
        {"name": "models/embeds", "supportedGenerationMethods": ["embedContent"]},
    ]
    async with site("gemini") as here, await RawClient.connect(here.gateway.port) as client:
        here.vendor.on("GET", "/v1beta/models", lambda _: Unary(json.dumps({"models": resources}).encode()))
        assert [model.id for model in (await here.openai.models.list()).data] == ["talks", "embeds"]
        codex = await client.ask("GET", "/v1/models?client_version=1", headers=here.gateway.headers)
        assert [model["slug"] for model in codex.json["models"]] == ["talks"]
