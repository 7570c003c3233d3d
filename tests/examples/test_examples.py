"""Every example of the documentation runs as written, against the demo and against a vendor; in the deep run against
every kind of vendor."""

from __future__ import annotations

import pytest
from tests.examples.conversation import asked
from tests.examples.documents import BLOCKS, RUN_BY_READERS, Block, block
from tests.examples.expectations import EXPECTED, Expected
from tests.examples.output import check_patterns, spoken
from tests.examples.running import PORT, run
from tests.examples.scripted import MODELS, ExampleVendor, heard
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.scenario import SIGNATURE
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import DIALECTS, ProtocolName

EXAMPLES = [pytest.param(block(name), expected, id=name) for name, expected in EXPECTED.items()]
#: Each example with one kind of vendor; the others come on top in the deep run.
WITH_VENDORS = [
    pytest.param(
        block(name),
        expected,
        upstream,
        id=f"{name}-{upstream}",
        marks=[] if place == number % len(DIALECTS) else [pytest.mark.deep],
    )
    for number, (name, expected) in enumerate(EXPECTED.items())
    for place, upstream in enumerate(DIALECTS)
]
FALLBACKS = [pytest.param(block(name), id=name) for name in EXPECTED if name.endswith("-fallback")]


def test_every_expectation_is_of_an_example() -> None:
    asking = {candidate.id for candidate in BLOCKS if candidate.language in RUN_BY_READERS and PORT in candidate.code}
    assert set(EXPECTED) <= asking


def demo_says(line: str) -> str:
    """What the demo makes of the last line of a conversation."""
    if line.startswith("result: "):
        return line.removeprefix("result: ")
    if line.startswith("user: image https://"):
        return line.removeprefix("user: image https://")
    if line.startswith("user: image "):
        return "an image of type image/png with 70 bytes (1 by 1 pixels)"
    return f"You said: “{line.removeprefix('user: ')}”"


@pytest.mark.parametrize(("example", "expected"), EXAMPLES)
async def test_against_the_demo(example: Block, expected: Expected) -> None:
    async with running_gateway(settings_for(demo_faults=True)) as gateway:
        output = await run(example, gateway.port)
        assert {record.status for record in gateway.records} == set(expected.statuses)
    check_patterns(output, expected.shows + expected.demo)
    if expected.repeated is not None:
        assert demo_says(expected.repeated) in spoken(example, output)


@pytest.mark.parametrize(("example", "expected", "upstream"), WITH_VENDORS)
async def test_against_vendors(example: Block, expected: Expected, upstream: ProtocolName) -> None:
    async with ExampleVendor(upstream, together=expected.requests if expected.together else 1) as vendor:
        model = vendor.dialect.default_model
        listed = MODELS if example.id.endswith("-fallback") else ()
        account = account_for(vendor, aliases=dict.fromkeys((*MODELS, "demo"), model), supported_models=listed)
        if 429 in expected.statuses:
            vendor.fail_next("rate_limit")
        async with running_gateway(settings_for(account)) as gateway:
            output = await run(example, gateway.port)
            assert {record.status for record in gateway.records} <= set(expected.statuses)
    assert not vendor.problems
    check_patterns(output, expected.shows + expected.vendor)
    if expected.repeated is not None:
        assert heard(expected.repeated) in spoken(example, output)
    check_requests(vendor, expected)
    if upstream == "gemini" and "safetySettings" in example.code:
        assert vendor.generated[-1].json["safetySettings"][0]["threshold"] == "BLOCK_ONLY_HIGH"


def check_requests(vendor: ExampleVendor, expected: Expected) -> None:
    """The vendor was asked for its own model, as often as the example says, in the end with the whole conversation."""
    dialect, requests = vendor.dialect, vendor.generated
    assert len(requests) == expected.requests
    assert {dialect.model_of(request) for request in requests} <= {dialect.default_model}
    if not expected.lines:
        return
    seen = asked(dialect.name, requests[-1].json)
    assert seen.lines == expected.lines
    assert seen.tools == expected.tools
    assert dialect.streams(requests[-1]) is expected.stream
    if expected.schema:
        assert seen.schema is not None
        assert set(seen.schema["properties"]) == {"name", "age"}
    if expected.requests > 1 and expected.tools and dialect.name == "gemini":
        assert SIGNATURE in requests[-1].body.decode()


@pytest.mark.parametrize("example", FALLBACKS)
async def test_a_fallback_goes_on_where_a_provider_fails(example: Block) -> None:
    async with ScriptedVendor("anthropic") as failing, ExampleVendor("openai_chat") as good:
        failing.fail_next("overloaded")
        accounts = (account_for(failing, supported_models=MODELS), account_for(good, supported_models=MODELS))
        async with running_gateway(settings_for(*accounts)) as gateway:
            output = await run(example, gateway.port)
            assert [record.status for record in gateway.records] == [503, 503, 200]
    assert len(failing.requests) == len(good.generated) == 1
    assert heard("user: Hello") in spoken(example, output)
