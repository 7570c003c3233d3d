"""Accounts of one process and of several: choice, waiting, and what they tell each other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest

from codenex.core.errors import Fault, FaultKind
from codenex.gateway.account_rows import FAILURES, IN_FLIGHT, LAST_USED, REQUESTS
from codenex.gateway.accounts import Accounts
from codenex.gateway.affinity import Affinity, Session
from codenex.pool.health import DOUBTS, AccountState
from codenex.pool.verdict import Count, Weight
from codenex.store.rows import assigned_rows
from codenex.store.settings import Account, Settings
from codenex.store.shared_memory import LAYOUT, SharedMemory

BROKEN = Fault(FaultKind.UPSTREAM, "broken", status=500)
LIMITED = Fault(FaultKind.RATE_LIMIT, "slow down", retry_after=20)
NONE: frozenset[str] = frozenset()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def settings(*names: str, **fields: object) -> Settings:
    accounts = tuple(Account(name, "openai-custom", api_key="k", **fields) for name in names)  # type: ignore[arg-type]
    return Settings(accounts={"openai-custom": accounts}, rows=assigned_rows(names, {}))


@pytest.fixture
def memories(tmp_path: Path) -> tuple[SharedMemory, SharedMemory]:
    """What two living processes see of one memory."""
    with (tmp_path / "memory").open("w+b") as file:
        file.truncate(LAYOUT["bytes"])
        words = [SharedMemory(file.fileno(), slot) for slot in range(2)]
    for slot, memory in enumerate(words):
        memory._words[LAYOUT["used_word"]] = 2
        memory._words[LAYOUT["alive_word"] + slot] = 1
    return words[0], words[1]


def pair(made: Settings, clock: Clock, memories: tuple[SharedMemory, SharedMemory]) -> tuple[Accounts, Accounts]:
    """Two processes with one memory."""
    one, other = (Accounts(made, clock, memory, chance=lambda: 0.0) for memory in memories)
    return one, other


@contextmanager
def attempt(accounts: Accounts, account: Account) -> Iterator[None]:
    probe = accounts.begun(account)
    yield
    accounts.ended(account, probe=probe)


def fail(accounts: Accounts, uuid: str, fault: Fault, times: int = 1) -> None:
    for _ in range(times):
        accounts.count("m", [Count(uuid, fault, Weight.FULL)])


def counted(accounts: Accounts) -> tuple[AccountState, list[list[int]]]:
    """What is known of the account ``a``, here and in the common memory."""
    state = msgspec.structs.replace(accounts._own_state("a"))
    return state, [accounts._rows.values("a", field) for field in (LAST_USED, IN_FLIGHT, REQUESTS, FAILURES)]


def fault(source: random.Random) -> Count:
    kind = source.choice((BROKEN, LIMITED, Fault(FaultKind.AUTHENTICATION, "no")))
    return Count("a", kind, source.choice((Weight.FULL, Weight.DOUBTED)))


def test_what_is_counted_at_once_is_what_is_counted_step_by_step() -> None:
    entered = 0
    for seed in range(100):
        source, clock = random.Random(seed), Clock()
        short, long = (
            Accounts(settings("a"), clock, SharedMemory(None, 1), chance=lambda: 0.0, wall=clock) for _ in range(2)
        )

        for _ in range(8):
            for _ in range(source.choice((0, 0, 0, 1, 3))):
                count = fault(source)
                for accounts in (short, long):
                    accounts.count("m", [count])
            clock.now += source.choice((0.0, 1.0, 60.0, 700.0))
            assert counted(short) == counted(long)
            state = short.states["a"]
            state.resting = {model: until for model, until in state.resting.items() if until > clock.now}
            long.states["a"].resting = dict(state.resting)
            before = counted(short)
            account = short.entered("openai-custom", "m")
            if account is None:
                assert not state.spotless or state.unavailable_until > clock.now or state.resting
                assert counted(short) == before
                # Others try it, and all is well again.
                for accounts in (short, long):
                    tried = accounts.choose("openai-custom", "m", NONE)
                    if tried is not None:
                        with attempt(accounts, tried):
                            accounts.succeeded(tried)
                continue
            entered += 1
            assert not long.begun(account)
            assert counted(short) == counted(long)
            if not source.randrange(3):
                count = fault(source)
                for accounts in (short, long):
                    accounts.count("m", [count])
            short.left(account)
            long.succeeded(account)
            long.ended(account, probe=False)
            assert counted(short) == counted(long)
            assert short._own_state("a").in_flight == 0
    assert entered > 100


def test_an_account_that_was_changed_is_trusted_again() -> None:
    made = settings("a", "b")
    accounts = Accounts(made, Clock())
    fail(accounts, "a", Fault(FaultKind.AUTHENTICATION, "no"))
    fail(accounts, "b", Fault(FaultKind.AUTHENTICATION, "no"))
    assert accounts.choose("openai-custom", "m", NONE) is None
    mended = msgspec.structs.replace(made.accounts["openai-custom"][0], api_key="other")
    accounts.configure(Settings(accounts={"openai-custom": (mended, made.accounts["openai-custom"][1])}))
    assert accounts.choose("openai-custom", "m", NONE) == mended


def test_processes_tell_each_other_of_rests_probes_and_recoveries(memories: tuple[SharedMemory, SharedMemory]) -> None:
    clock = Clock()
    one, other = pair(settings("a", "b"), clock, memories)
    fail(one, "a", BROKEN, 3)
    chosen = other.choose("openai-custom", "m", NONE)
    assert chosen is not None
    assert chosen.uuid == "b"
    assert other.report()["openai-custom"][0]["circuit"] == "open"
    clock.now += 31
    assert other.report()["openai-custom"][0]["circuit"] == "half_open"
    probe = other.choose("openai-custom", "m", NONE)
    assert probe is not None
    with attempt(other, probe):
        other.succeeded(probe)
    assert one.report()["openai-custom"][0]["circuit"] == "closed"
    fail(one, "b", LIMITED)
    assert other.report()["openai-custom"][1]["restingModels"] == {"m": 20.0}


def test_processes_share_use_and_limits(memories: tuple[SharedMemory, SharedMemory]) -> None:
    clock = Clock()
    one, other = pair(settings("a", "b", concurrency_limit=1), clock, memories)
    with ExitStack() as stack:
        for accounts, expected in ((one, "a"), (other, "b")):
            account = accounts.choose("openai-custom", "m", NONE)
            assert account is not None
            assert account.uuid == expected
            stack.enter_context(attempt(accounts, account))
        assert one.choose("openai-custom", "m", NONE) is None
        assert one.exhausted("openai-custom", "m").code == "concurrency_limit"
        assert [shown["inFlight"] for shown in one.report()["openai-custom"]] == [1, 1]
    assert [shown["usageCount"] for shown in other.report()["openai-custom"]] == [1, 1]


def test_a_fault_that_others_had_too_counts_after_many_without_a_good_answer() -> None:
    clock = Clock()
    accounts = Accounts(settings("a", "b", "c", "d"), clock)
    doubted = [Count("a", BROKEN, Weight.DOUBTED), Count("b", BROKEN, Weight.DOUBTED)]
    for _ in range(DOUBTS - 1):
        accounts.count("m", doubted)
    assert accounts.states["a"].failures == 0
    for _ in range(3):
        accounts.count("m", doubted)
    assert accounts.report()["openai-custom"][0]["circuit"] == "open"
    account = accounts.choose("openai-custom", "m", frozenset("acd"))
    assert account is not None
    accounts.succeeded(account)
    assert accounts.states["b"].doubts == 0


async def test_requests_wait_for_full_accounts_in_order_and_no_more_than_may() -> None:
    accounts = Accounts(settings("a", concurrency_limit=1, queue_limit=2), Clock())
    order: list[int] = []

    async def request(number: int) -> None:
        account = await accounts.next("openai-custom", "m", NONE)
        if account is None:
            order.append(-number)
            return
        with attempt(accounts, account):
            order.append(number)
            await asyncio.sleep(0.01)

    async with asyncio.timeout(5):
        tasks = [asyncio.ensure_future(request(number)) for number in range(1, 5)]
        await asyncio.sleep(0)
        assert accounts.waiting.total("openai-custom") <= 2
        # One that leaves while it waits makes room for the next.
        await asyncio.gather(*tasks)
    assert order == [1, -4, 2, 3]
    assert accounts.waiting.total("openai-custom") == 0


async def test_a_request_that_leaves_its_place_gives_its_turn_to_the_next() -> None:
    accounts = Accounts(settings("a", concurrency_limit=1, queue_limit=5), Clock())
    account = await accounts.next("openai-custom", "m", NONE)
    assert account is not None
    with attempt(accounts, account):
        waiting = [asyncio.ensure_future(accounts.next("openai-custom", "m", NONE)) for _ in range(3)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
        await asyncio.sleep(0.01)
    waiting[1].cancel()
    async with asyncio.timeout(5):
        assert await waiting[2] == account


async def test_others_wait_for_the_outcome_of_a_probe() -> None:
    accounts = Accounts(settings("a"), Clock())
    fail(accounts, "a", BROKEN, 3)
    probe = accounts.choose("openai-custom", "m", NONE)
    assert probe is not None, "the last account is probed, not lost"
    with attempt(accounts, probe):
        assert accounts.choose("openai-custom", "m", NONE) is None
        assert await accounts.next("openai-custom", "m", NONE, patient=False) is None
        waiting = [asyncio.ensure_future(accounts.next("openai-custom", "m", NONE)) for _ in range(5)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
        accounts.succeeded(probe)
        async with asyncio.timeout(5):
            assert await asyncio.gather(*waiting) == [probe] * 5


def test_a_limit_of_one_model_leaves_the_others() -> None:
    accounts = Accounts(settings("a"), Clock(), chance=lambda: 0.0)
    fail(accounts, "a", LIMITED)
    assert accounts.choose("openai-custom", "m", NONE) is None
    assert accounts.choose("openai-custom", "n", NONE) is not None
    fault = accounts.exhausted("openai-custom", "m")
    assert (fault.kind, fault.retry_after) == (FaultKind.RATE_LIMIT, 20.0)


@pytest.mark.parametrize(
    ("kind", "words"),
    [(FaultKind.AUTHENTICATION, "refused by the provider"), (FaultKind.RATE_LIMIT, "rate limit or quota")],
)
def test_an_empty_pool_says_why_without_secrets(kind: FaultKind, words: str) -> None:
    accounts = Accounts(settings("a"), Clock())
    fail(accounts, "a", Fault(kind, "the key sk-secret is bad"))
    message = accounts.exhausted("openai-custom", "m").message
    assert words in message
    assert "sk-secret" not in message


def test_events_tell_circuits() -> None:
    told: list[dict[str, object]] = []
    accounts = Accounts(settings("a", "b"), Clock(), tell=lambda name, data: told.append(data), chance=lambda: 0.0)
    fail(accounts, "a", BROKEN, 3)
    assert [(one["uuid"], one["circuit"], one["restsFor"]) for one in told] == [("a", "open", 30.0)]
    account = accounts.choose("openai-custom", "m", NONE)
    assert account is not None


def test_processes_share_conversations(memories: tuple[SharedMemory, SharedMemory]) -> None:
    made, clock = settings("a", "b"), Clock()
    one, other = (Affinity(made, memory, clock) for memory in memories)
    alone = Affinity(made, None, clock)
    for affinity, reader in ((one, other), (other, one), (alone, alone)):
        for account in ("a", "b"):
            affinity.remember(Session(77), account)
            clock.now += 1
            assert reader._recalled(77) == account
            assert reader._recalled(79) is None
    clock.now += 3601
    assert one._recalled(77) is None
    assert alone._recalled(77) is None
