"""Programs on the same core: the loop's thread lets them go on while bursts come, and no longer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from codenex.cli import neighbours as module
from codenex.cli.neighbours import MANY, WHILE, Neighbours

#: A count in the midst of which patience begins.
ENOUGH = 2 * MANY


class Kernel:
    """Policies of the running thread, as the system knows them."""

    def __init__(self, policy: int) -> None:
        self.policy = policy
        self.set: list[int] = []
        self.refuses = False

    def get(self, who: int) -> int:
        assert who == 0
        return self.policy

    def put(self, who: int, policy: int, parameters: os.sched_param) -> None:
        assert (who, parameters.sched_priority) == (0, 0)
        if self.refuses:
            raise PermissionError
        self.policy = policy
        self.set.append(policy)


class Clock:
    """Of a loop: time goes on where the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.due: list[tuple[float, Callable[[], Any]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], Any]) -> None:
        self.due.append((self.now + delay, call))

    def go_on(self, seconds: float) -> None:
        self.now += seconds
        ready = [entry for entry in self.due if entry[0] <= self.now]
        self.due = [entry for entry in self.due if entry[0] > self.now]
        for _, call in ready:
            call()


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    known = Kernel(os.SCHED_OTHER)
    monkeypatch.setattr(os, "sched_getscheduler", known.get)
    monkeypatch.setattr(os, "sched_setscheduler", known.put)
    return known


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def neighbours(kernel: Kernel, clock: Clock) -> Neighbours:
    made = Neighbours()
    made._loop = clock  # type: ignore[assignment]
    return made


def burst(neighbours: Neighbours, count: int) -> None:
    for _ in range(count):
        neighbours.crowded()


def test_patience_begins_with_many_reads_and_ends_with_them(
    neighbours: Neighbours, kernel: Kernel, clock: Clock
) -> None:
    burst(neighbours, MANY - 1)
    assert not neighbours.patient
    assert kernel.set == []
    burst(neighbours, 1)
    assert neighbours.patient
    assert kernel.set == [os.SCHED_BATCH]
    for _ in range(5):
        burst(neighbours, MANY)
        clock.go_on(WHILE)
        assert neighbours.patient
    burst(neighbours, MANY - 1)
    clock.go_on(WHILE)
    assert not neighbours.patient
    assert kernel.set == [os.SCHED_BATCH, os.SCHED_OTHER]
    assert clock.due == []


def test_it_begins_again(neighbours: Neighbours, kernel: Kernel, clock: Clock) -> None:
    for _ in range(3):
        burst(neighbours, ENOUGH)
        assert neighbours.patient
        clock.go_on(WHILE)
        # What came after its beginning was many.
        clock.go_on(WHILE)
        assert not neighbours.patient
        clock.go_on(10 * WHILE)
    assert kernel.set == [os.SCHED_BATCH, os.SCHED_OTHER] * 3


def test_reads_that_come_slowly_are_not_many(neighbours: Neighbours, kernel: Kernel, clock: Clock) -> None:
    for _ in range(20 * MANY):
        neighbours.crowded()
        clock.go_on(WHILE / (MANY - 2))
    assert kernel.set == []
    assert clock.due == []


@pytest.mark.parametrize("policy", [os.SCHED_BATCH, os.SCHED_IDLE, os.SCHED_FIFO, os.SCHED_RR])
@pytest.mark.parametrize("flag", [0, os.SCHED_RESET_ON_FORK])
async def test_a_policy_that_others_have_chosen_stays(kernel: Kernel, policy: int, flag: int) -> None:
    kernel.policy = policy | flag
    neighbours = Neighbours()
    burst(neighbours, 10 * MANY)
    assert not neighbours.patient
    assert kernel.set == []


def test_a_system_that_refuses_is_asked_once(
    neighbours: Neighbours, kernel: Kernel, clock: Clock, capfd: pytest.CaptureFixture[str]
) -> None:
    kernel.refuses = True
    asked = 0
    put = kernel.put

    def counted(*given: Any) -> None:
        nonlocal asked
        asked += 1
        put(*given)

    os.sched_setscheduler = counted  # the fixture puts it back
    for _ in range(5):
        burst(neighbours, 10 * MANY)
        clock.go_on(WHILE)
    assert asked == 1
    assert not neighbours.patient
    assert capfd.readouterr() == ("", "")


def test_one_that_refuses_later_is_left_alone(neighbours: Neighbours, kernel: Kernel, clock: Clock) -> None:
    burst(neighbours, ENOUGH)
    kernel.refuses = True
    for _ in range(3):
        clock.go_on(WHILE)
    kernel.refuses = False
    burst(neighbours, 10 * MANY)
    clock.go_on(WHILE)
    assert kernel.set == [os.SCHED_BATCH]


async def test_a_system_without_the_policy(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "SCHED_BATCH")
    monkeypatch.delattr(os, "sched_getscheduler")
    neighbours = Neighbours()
    burst(neighbours, 10 * MANY)
    assert not neighbours.patient
    assert kernel.set == []


# --- in earnest, in a thread of its own: a policy is one thread's


def _policy() -> int:
    return os.sched_getscheduler(0)


def _is_allowed() -> bool:
    """Whether this machine lets a thread be a batch process; it is an ordinary one afterwards, however the tests were
    started."""
    try:
        for policy in (os.SCHED_BATCH, os.SCHED_OTHER):
            os.sched_setscheduler(0, policy, os.sched_param(0))
    except OSError:
        return False
    return True


@pytest.fixture
def in_a_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[bool], Any]], None]]:
    monkeypatch.setattr(module, "WHILE", 0.05)
    before = _policy()

    def run(test: Callable[[bool], Any]) -> None:
        """Run a test, which is told whether patience is allowed on this machine."""
        with ThreadPoolExecutor(1) as executor:
            executor.submit(lambda: asyncio.run(test(_is_allowed()))).result(20)

    yield run
    assert _policy() == before


def test_the_system_schedules_this_thread_alone_so(in_a_thread: Callable[[Callable[[bool], Any]], None]) -> None:
    async def inside(allowed: bool) -> None:
        before, neighbours = _policy(), Neighbours()
        burst(neighbours, ENOUGH)
        assert neighbours.patient is allowed
        assert _policy() == (os.SCHED_BATCH if allowed else before)
        async with asyncio.timeout(5):
            while neighbours.patient:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert _policy() == before

    in_a_thread(inside)


def test_it_is_patient_as_long_as_reads_bring_many_events(
    in_a_thread: Callable[[Callable[[bool], Any]], None],
) -> None:
    async def inside(allowed: bool) -> None:
        before, neighbours = _policy(), Neighbours()
        burst(neighbours, ENOUGH)
        for _ in range(15):
            burst(neighbours, MANY)
            await asyncio.sleep(0.01)
            assert neighbours.patient is allowed
            assert _policy() == (os.SCHED_BATCH if allowed else before)

    in_a_thread(inside)
