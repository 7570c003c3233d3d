"""The state of accounts in the text format of Prometheus."""

from __future__ import annotations

from tests.service.test_failover import Vendors, ask
from tests.support.client import RawClient
from tests.support.gateway import running_gateway, settings_for
from tests.support.metrics import Scrape
from tests.support.replies import Unary

from codenex.gateway.metrics import CONTENT_TYPE, metrics


def test_names_can_not_break_a_line() -> None:
    name = 'a"b\\c\nd} 1'
    account = {
        "uuid": "u",
        "customName": name,
        "isHealthy": True,
        "isDisabled": False,
        "inFlight": 0,
        "restingModels": {},
        "usageCount": 12345678,
        "errorCount": 0,
        "circuit": "closed",
    }
    seen = Scrape(metrics({"openai-custom": [account]}, None))
    assert seen.value("codenex_account_requests_total", name=name) == 12345678
    assert seen.value("codenex_account_circuit", name=name) == 1


async def test_circuits_and_counts_are_told() -> None:
    async with Vendors(2) as vendors:
        vendors.all[0].answer_next(*[Unary(b"{}", 500)] * 3)
        async with running_gateway(settings_for(*vendors.accounts, max_error_count=1)) as gateway:
            for _ in range(4):
                assert (await ask(gateway)).status == 200
            async with await RawClient.connect(gateway.port) as client:
                answer = await client.ask("GET", "/metrics", headers=gateway.headers)
    assert answer.headers.get("content-type") == CONTENT_TYPE
    seen = Scrape(answer.body)
    first, second = ({"provider": "openai-custom", "account": f"openai-custom-{number}"} for number in range(2))
    assert seen.value("codenex_account_circuit", **first, state="open") == 1
    assert seen.value("codenex_account_circuit", **second, state="closed") == 1
    assert seen.value("codenex_account_requests_total", **second) == 4
    assert seen.value("codenex_account_failures_total", **first) == 1
