"""The way of usage rows from a worker: batched, kept until acknowledged, bounded, and never in a request's way."""

import asyncio
from types import SimpleNamespace

import pytest
from tests.support.notes import noted

from codenex.core import json
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.losses import Loss
from codenex.core.usage import Usage
from codenex.store.spool import Spool
from codenex.telemetry import outbox as module
from codenex.telemetry.outbox import Outbox
from codenex.telemetry.rows import Acknowledgement, Batch, LossRow, usage_row


def record(**notes):
    return SimpleNamespace(
        request_id="r-1",
        path="/v1/messages",
        status=200,
        duration_us=1500,
        complete=True,
        bytes_in=10,
        bytes_out=20,
        notes=noted(provider="demo", **notes),
    )


class Receiver:
    """Takes batches at a Unix socket, and answers as it is told to."""

    def __init__(self, path):
        self.path = str(path)
        self.batches = []
        self.answering = True
        self.came = asyncio.Event()

    async def __aenter__(self):
        self.server = await asyncio.start_unix_server(self.serve, self.path, limit=1 << 24)
        return self

    async def __aexit__(self, *_):
        self.server.close()
        await self.server.wait_closed()

    async def serve(self, reader, writer):
        while line := await reader.readline():
            batch = json.decode_as(Batch, line)
            self.batches.append(batch)
            self.came.set()
            if not self.answering:
                break
            numbers = [row.number for row in batch.rows] + [event.number for event in batch.events]
            writer.write(json.encode(Acknowledgement(max(numbers))) + b"\n")
        writer.close()

    async def connect(self):
        return await asyncio.open_unix_connection(self.path)

    @property
    def numbers(self):
        return [row.number for batch in self.batches for row in batch.rows]


@pytest.fixture
async def receiver(tmp_path):
    async with Receiver(tmp_path / "socket") as running:
        yield running


async def test_rows_and_events_arrive_in_one_sequence(receiver):
    outbox = Outbox(receiver.connect, gather=0.01)
    outbox.start()
    outbox.record([(0.0, record())])
    outbox.event("provider_update", {"uuid": "a"})
    outbox.record([(0.0, record())])
    await outbox.close()
    assert receiver.numbers == [1, 3]
    assert [event.number for batch in receiver.batches for event in batch.events] == [2]
    assert len({batch.sender for batch in receiver.batches}) == 1


async def test_what_reached_no_provider_is_no_row(receiver):
    outbox = Outbox(receiver.connect, gather=0.0)
    outbox.start()
    refused = record()
    refused.notes.provider = None
    outbox.record([(0.0, refused)])
    outbox.record([(0.0, record())])
    await outbox.close()
    assert receiver.numbers == [1]


async def test_what_is_not_acknowledged_is_sent_again(receiver, monkeypatch):
    monkeypatch.setattr(module, "RETRY", 0.01)
    receiver.answering = False
    outbox = Outbox(receiver.connect, gather=0.0)
    outbox.start()
    outbox.record([(0.0, record())])
    await asyncio.wait_for(receiver.came.wait(), 5)
    receiver.answering = True
    while len(receiver.batches) < 2:
        receiver.came.clear()
        await asyncio.wait_for(receiver.came.wait(), 5)
    await outbox.close()
    assert set(receiver.numbers) == {1}
    assert len(receiver.numbers) >= 2


async def test_a_queue_without_a_receiver_fills_up_and_counts_what_it_drops(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RETRY", 0.01)
    monkeypatch.setattr(module, "QUEUE_LIMIT", 50)
    path = tmp_path / "socket"

    async def connect():
        return await asyncio.open_unix_connection(str(path))

    outbox = Outbox(connect, gather=0.0)
    outbox.start()
    for _ in range(80):
        outbox.record([(0.0, record())])
    assert outbox.dropped == 30
    async with Receiver(path) as receiver:
        while len(receiver.numbers) < 50:
            receiver.came.clear()
            await asyncio.wait_for(receiver.came.wait(), 5)
        await outbox.close()
        assert receiver.numbers == list(range(1, 51))
        assert receiver.batches[-1].dropped == 30


async def test_batches_have_a_size(receiver):
    outbox = Outbox(receiver.connect, gather=0.0)
    for _ in range(module.BATCH_LIMIT + 10):
        outbox.record([(0.0, record())])
    outbox.start()
    await outbox.close()
    assert [len(batch.rows) for batch in receiver.batches] == [module.BATCH_LIMIT, 10]


async def test_rows_don_t_wait_until_the_queue_is_full(receiver, monkeypatch):
    """A thousand requests a second filled it while the first of them waited for others, and the rest were dropped."""
    monkeypatch.setattr(module, "_ENOUGH", 20)
    outbox = Outbox(receiver.connect, gather=60.0)
    outbox.start()
    for _ in range(2):
        receiver.came.clear()
        outbox.record([(0.0, record())] * 30)
        await asyncio.wait_for(receiver.came.wait(), 5)
    # Until what came is acknowledged.
    await asyncio.sleep(0.2)
    outbox.record([(0.0, record())])
    await asyncio.sleep(0.05)
    assert outbox.queued == 1
    await outbox.close()
    assert receiver.numbers == [*range(1, 62)]
    assert outbox.dropped == 0


# --- rows that are put aside


@pytest.fixture
def busy(monkeypatch):
    """Twenty rows at once are many."""
    monkeypatch.setattr(module, "_ENOUGH", 20)
    monkeypatch.setattr(module, "RETRY", 0.01)
    monkeypatch.setattr(module, "_GATHER_LATER", 0.1)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_rows_that_come_fast_wait_until_it_is_quiet(receiver, tmp_path, busy):
    outbox = Outbox(receiver.connect, gather=0.3, spool=Spool(tmp_path))
    outbox.start()
    for _ in range(3):
        outbox.record([(0.0, record())] * 30)
        await until(lambda: outbox.queued == 0)
    assert receiver.batches == []
    assert [path.stat().st_mode & 0o777 for path in tmp_path.glob("*.spool")] == [0o600]
    await until(lambda: len(receiver.numbers) == 90)
    outbox.record([(0.0, record())])
    await until(lambda: len(receiver.numbers) == 91)
    assert receiver.numbers == [*range(1, 92)]
    assert [*tmp_path.glob("*.spool")] == []
    await outbox.close()
    # The numbers of one sender rise, or the receiver would take late rows for known ones.
    late, prompt = ({batch.sender for batch in receiver.batches[part]} for part in (slice(0, -1), slice(-1, None)))
    assert len(late | prompt) == len(late) + len(prompt)


async def test_the_first_quiet_moment_is_taken(receiver, tmp_path, busy):
    """The first rows wait for longer where they are few, not where they have been put aside."""
    outbox = Outbox(receiver.connect, gather=30.0, spool=Spool(tmp_path))
    outbox.start()
    outbox.record([(0.0, record())] * 30)
    await until(lambda: len(receiver.numbers) == 30)
    await outbox.close()


async def test_events_don_t_wait_with_the_rows(receiver, tmp_path, busy):
    outbox = Outbox(receiver.connect, gather=30.0, spool=Spool(tmp_path))
    outbox.start()
    outbox.record([(0.0, record())] * 10)
    outbox.event("provider_update", {"uuid": "a"})
    outbox.record([(0.0, record())] * 20)
    await asyncio.wait_for(receiver.came.wait(), 5)
    assert [event.number for batch in receiver.batches for event in batch.events] == [11]
    assert receiver.numbers == []
    await outbox.close()
    assert sorted(receiver.numbers) == [*range(1, 11), *range(12, 32)]


async def test_who_asks_is_told_of_all_rows(receiver, tmp_path, busy):
    outbox = Outbox(receiver.connect, gather=30.0, spool=Spool(tmp_path))
    outbox.start()
    await outbox.settle(5.0)
    outbox.record([(0.0, record())] * 30)
    await until(lambda: outbox.queued == 0)
    outbox.record([(0.0, record())])
    await outbox.settle(5.0)
    assert sorted(receiver.numbers) == [*range(1, 32)]
    receiver.server.close()
    outbox.record([(0.0, record())])
    receiver.path = "nowhere"
    began = asyncio.get_running_loop().time()
    await outbox.settle(0.05)
    assert asyncio.get_running_loop().time() - began < 2
    await outbox.close()


async def test_rows_wait_only_so_long_and_not_where_a_budget_needs_them(receiver, tmp_path, busy, monkeypatch):
    allowed = True
    outbox = Outbox(receiver.connect, gather=30.0, spool=Spool(tmp_path), may_wait=lambda: allowed)
    outbox.start()
    outbox.record([(0.0, record())] * 30)
    await until(lambda: outbox.queued == 0)
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    outbox.record([(0.0, record())] * 30)
    await until(lambda: len(receiver.numbers) == 60)
    monkeypatch.setattr(module, "PATIENCE", 60.0)
    allowed = False
    outbox.record([(0.0, record())] * 30)
    await until(lambda: len(receiver.numbers) == 90)
    await outbox.close()


async def test_what_a_process_leaves_is_sent_by_the_next(receiver, tmp_path, busy):
    async def connect():
        raise ConnectionRefusedError

    living = Spool(tmp_path)
    living.put(json.encode(Batch("living")) + b"\n")
    first = Outbox(connect, gather=30.0, spool=Spool(tmp_path))
    first.start()
    for _ in range(3):
        first.record([(0.0, record())] * 30)
        await until(lambda: first.queued == 0)
    first.record([(0.0, record())])
    await first.close()
    assert first.dropped == 0
    (left,) = (path for path in tmp_path.glob("*.spool") if b"living" not in path.read_bytes())
    # Some of it was lost with the machine's power, and the process was killed in the middle of a line.
    left.write_bytes(b"\0\0\n" + left.read_bytes() + b'{"sender":"half')
    second = Outbox(receiver.connect, gather=0.01, spool=Spool(tmp_path))
    second.start()
    await until(lambda: len(receiver.numbers) == 91)
    await second.close()
    assert receiver.numbers == [*range(1, 92)]
    assert [path.read_bytes() for path in tmp_path.glob("*.spool")] == [json.encode(Batch("living")) + b"\n"]
    living.close()


async def test_a_receiver_that_is_away_costs_no_rows(receiver, tmp_path, busy, monkeypatch):
    monkeypatch.setattr(module, "QUEUE_LIMIT", 50)
    away = True

    async def connect():
        if away:
            raise ConnectionRefusedError
        return await receiver.connect()

    outbox = Outbox(connect, gather=0.01, spool=Spool(tmp_path), may_wait=lambda: False)
    outbox.start()
    for _ in range(5):
        outbox.record([(0.0, record())] * 30)
        await until(lambda: outbox.queued == 0)
    away = False
    await until(lambda: len(receiver.numbers) == 150)
    await outbox.close()
    assert outbox.dropped == 0


async def test_a_full_disk_costs_no_rows(receiver, tmp_path, busy, monkeypatch, caplog):
    monkeypatch.setattr("codenex.store.spool.LIMIT", 10)
    outbox = Outbox(receiver.connect, gather=30.0, spool=Spool(tmp_path))
    outbox.start()
    for count in (30, 60, 90):
        outbox.record([(0.0, record())] * 30)
        await until(lambda count=count: len(receiver.numbers) == count)
    assert caplog.text.count("can't be put aside") == 1
    await outbox.close()


async def test_the_end_waits_only_so_long(tmp_path):
    async def connect():
        await asyncio.Event().wait()

    outbox = Outbox(connect, gather=0.0)
    outbox.start()
    outbox.record([(0.0, record())])
    await asyncio.wait_for(outbox.close(patience=0.05), 5)


def test_a_row_tells_what_the_notes_say():
    notes = {
        "key": "abc",
        "protocol": "anthropic",
        "account": "u-1",
        "model": "m",
        "usage": Usage(input_uncached=1, input_cache_read=2, input_cache_write_5m=3, output_text=4, output_reasoning=5),
        "finish": FinishDetail(FinishReason.STOP),
        "first_output": 0.25,
        "lost": (Loss("a", "dropped", "b" * 500), Loss("c", "adapted", "d")),
        "error": "rate_limit",
    }
    row = usage_row(7, 1000.0, record(**notes))
    assert (row.number, row.at, row.duration_ms, row.first_output_ms) == (7, 1000.0, 1.5, 250.0)
    assert (row.input_uncached, row.input_cache_read, row.input_cache_write) == (1, 2, 3)
    assert (row.output_text, row.output_reasoning, row.input_tool) == (4, 5, None)
    assert (row.key, row.protocol, row.provider, row.account, row.model) == ("abc", "anthropic", "demo", "u-1", "m")
    assert row.lost == [LossRow("a", "dropped", "b" * 200), LossRow("c", "adapted", "d")]
    assert (row.finish, row.losses, row.error) == ("stop", 2, "rate_limit")


def test_a_row_without_usage_knows_nothing_rather_than_zero():
    row = usage_row(1, 0.0, record())
    assert row.input_uncached is None
    assert row.output_text is None
