"""Records of requests are worked off together where many come, soon in any case, and all of them at the end."""

import asyncio
from types import SimpleNamespace

import pytest

from codenex.telemetry import recorder as module
from codenex.telemetry.recorder import Recorder


class Taker:
    """Takes records as each of the three who work on them does."""

    def __init__(self):
        self.measured, self.logged, self.queued = [], [], []
        self.sizes = []
        self.came = asyncio.Event()
        self.recorder = Recorder(
            SimpleNamespace(record=lambda *records: self.measured.extend(records)),
            SimpleNamespace(record=self.log),
            SimpleNamespace(record=lambda records: self.queued.extend(record for _, record in records)),
        )

    def log(self, records):
        self.sizes.append(len(records))
        self.came.set()
        self.logged.extend(record for _, record in records)

    def give(self, *records):
        for record in records:
            self.recorder.record(record)


@pytest.fixture
async def taker():
    made = Taker()
    yield made
    made.recorder.close()


async def test_a_single_record_is_worked_off_at_once(taker):
    taker.give(1)
    assert taker.measured == taker.logged == taker.queued == [1]


async def test_many_records_are_worked_off_together_and_a_few_at_a_time(taker):
    taker.give(*range(1 + 2 * module.TOGETHER))
    assert taker.sizes == [1, module.TOGETHER, module.TOGETHER]
    assert taker.measured == taker.logged == taker.queued == list(range(1 + 2 * module.TOGETHER))


async def test_no_record_waits_long(taker):
    taker.give(1, 2)
    assert taker.logged == [1]
    taker.came.clear()
    await asyncio.wait_for(taker.came.wait(), 5)
    assert taker.logged == [1, 2]


async def test_what_waits_is_worked_off_when_somebody_looks_and_at_the_end(taker):
    taker.give(1, 2)
    taker.recorder.flush()
    assert taker.measured == [1, 2]
    taker.give(3)
    taker.recorder.close()
    assert taker.measured == taker.logged == taker.queued == [1, 2, 3]


async def test_times_are_those_of_the_requests_not_of_the_work(taker, monkeypatch):
    moments = iter([10.0, 11.0, 12.0])
    monkeypatch.setattr(module.time, "time", lambda: next(moments))
    seen = []
    taker.recorder._log = SimpleNamespace(record=lambda records: seen.extend(records))
    taker.give("a", "b", "c")
    taker.recorder.flush()
    assert seen == [(10.0, "a"), (11.0, "b"), (12.0, "c")]
