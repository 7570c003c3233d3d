"""Metrics in the text format of Prometheus."""

from __future__ import annotations

import re

from tests.service.test_failover import Vendors, ask
from tests.support.client import RawClient
from tests.support.gateway import running_gateway, settings_for
from tests.support.replies import Unary

from codenex.gateway.metrics import CONTENT_TYPE, pool_metrics

#: A sample of the exposition format: name, labels with escapes, value.
SAMPLE = re.compile(r'[a-z_]+\{[a-z]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z]+="(?:[^"\\\n]|\\[\\"n])*")*\} [0-9.e+-]+')
COMMENT = re.compile(r"# (HELP [a-z_]+ .+|TYPE [a-z_]+ (?:gauge|counter))")


def test_names_can_not_break_a_line() -> None:
    account = {
        "uuid": "u",
        "customName": 'a"b\\c\nd',
        "isHealthy": True,
        "isDisabled": False,
        "inFlight": 0,
        "restingModels": {},
        "usageCount": 12345678,
        "errorCount": 0,
        "circuit": "closed",
    }
    lines = pool_metrics({"openai-custom": [account]}).decode().splitlines()
    assert all(SAMPLE.fullmatch(line) or COMMENT.fullmatch(line) for line in lines), lines
    assert any(line.endswith(" 12345678") for line in lines)


async def test_circuits_and_counts_are_told() -> None:
    async with Vendors(2) as vendors:
        vendors.all[0].answer_next(*[Unary(b"{}", 500)] * 3)
        async with running_gateway(settings_for(*vendors.accounts, max_error_count=1)) as gateway:
            for _ in range(4):
                assert (await ask(gateway)).status == 200
            async with await RawClient.connect(gateway.port) as client:
                answer = await client.ask("GET", "/metrics", headers=gateway.headers)
    assert answer.headers.get("content-type") == CONTENT_TYPE
    lines = answer.body.decode().splitlines()
    first, second = (f'provider="openai-custom",account="openai-custom-{number}",name=""' for number in range(2))
    assert f'codenex_account_circuit{{{first},state="open"}} 1' in lines
    assert f'codenex_account_circuit{{{second},state="closed"}} 1' in lines
    assert f"codenex_account_requests_total{{{second}}} 4" in lines
    assert f"codenex_account_failures_total{{{first}}} 1" in lines
