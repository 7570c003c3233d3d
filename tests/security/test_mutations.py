"""No bent host, path or header opens what a straight one does not."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from tests.security.doors import doors
from tests.security.house import House, running_house
from tests.security.mutations import Bent, mutations
from tests.support.client import RawClient
from tests.support.gateway import KEY
from tests.support.http import MalformedMessage

#: All that anybody gets without a credential: what open paths say, and answers without a body.
OPEN_ANSWERS = (b"codenex\n", b'{"status":"ok"}', b'{"required":false}', b"")
#: How the web pages begin, which hold nothing of a server.
PAGE = b"<!doctype html>"
SEED = 20261126


async def outcome(house: House, bent: Bent) -> tuple[int, bytes]:
    """Status and body; status 0 where the server only closed."""
    async with await RawClient.connect(house.site.gateway.port) as client:
        client._head_only = bent.method == "HEAD"
        await client.send(bent.wire())
        try:
            answer = await client.response(20.0)
        except (MalformedMessage, OSError, EOFError):
            return 0, b""
    return answer.status, answer.body


def is_bypass(bent: Bent, status: int, body: bytes) -> bool:
    """Whether somebody without a credential got more than is open to all."""
    if status in (500, 502, 503, 504) or 100 <= status < 200:
        return True
    return status in range(200, 400) and (not_open(body) or (body == b"" and bent.method not in _SILENT))


def not_open(body: bytes) -> bool:
    return body not in OPEN_ANSWERS and not body.startswith(PAGE)


#: Methods whose answers have no body.
_SILENT = ("HEAD", "OPTIONS")


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(2000, id="some"),
        pytest.param(20_000, id="many", marks=[pytest.mark.deep, pytest.mark.timeout(3600)]),
    ],
)
@pytest.mark.timeout(180)
async def test_no_mutation_opens_anything(tmp_path: Path, count: int) -> None:
    async with running_house(tmp_path) as house:
        before = {path: path.read_bytes() for path in house.site.configs.rglob("*") if path.is_file()}
        bypasses, statuses = [], Counter()
        turn = asyncio.Semaphore(8)

        async def try_one(bent: Bent) -> None:
            async with turn:
                status, body = await outcome(house, bent)
            statuses[status] += 1
            if is_bypass(bent, status, body):
                bypasses.append((bent, status, body[:300]))

        await asyncio.gather(*(try_one(bent) for bent in mutations(doors(), count, SEED)))
        assert bypasses == []
        assert house.vendor.requests == []
        assert {path: path.read_bytes() for path in house.site.configs.rglob("*") if path.is_file()} == before
        assert house.site.administration.sessions.holds(house.site.session), "nobody was logged out"
        # Most of them are still requests for what is guarded, and not only for nonsense.
        assert statuses[401] > count / 5, statuses


async def test_the_judge_would_see_a_bypass(tmp_path: Path) -> None:
    async with running_house(tmp_path) as house:
        for secret, path in ((KEY, "/v1/models"), (house.site.session, "/api/providers")):
            bent = Bent("GET", path, (("authorization", f"Bearer {secret}"),))
            assert is_bypass(bent, *await outcome(house, bent))


def test_mutations_are_the_same_every_time_and_of_every_kind() -> None:
    from tests.security.mutations import _STEPS

    made = mutations(doors(), 500, SEED)
    assert made == mutations(doors(), 500, SEED)
    assert {step for bent in made for step in bent.steps} == {step.__name__.strip("_") for step in _STEPS}
    assert len({bent.wire() for bent in made}) > 450
