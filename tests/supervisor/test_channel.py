"""The line between master and child."""

import os

import pytest

from codenex.supervisor.channel import Channel


@pytest.fixture
def line():
    ours, theirs = Channel.pair()
    other = Channel(theirs)
    yield ours, other
    ours.close()
    other.close()


def test_messages_stay_apart_and_in_order(line):
    ours, other = line
    for number in range(20):
        assert ours.send({"number": number, "text": "é\n" * number})
    assert [message["number"] for message, _ in other.receive()] == list(range(20))
    assert other.receive() == []
    assert not other.ended


def test_descriptors_travel_beside_a_message(line):
    ours, other = line
    reading, writing = os.pipe()
    ours.send({"take": "this"}, [writing])
    os.close(writing)
    [(message, [received])] = other.receive()
    os.write(received, b"through")
    os.close(received)
    assert message == {"take": "this"}
    assert os.read(reading, 100) == b"through"
    assert os.read(reading, 100) == b""
    os.close(reading)


def test_the_end_is_noticed_and_sending_into_it_is_no_error(line):
    ours, other = line
    other.send({"last": "word"})
    other.close()
    assert ours.receive() == [({"last": "word"}, [])]
    assert ours.ended
    assert ours.send({"anyone": "there"}) is False


def test_a_side_that_takes_nothing_is_never_waited_for(line):
    ours, _ = line
    sent = 0
    while ours.send({"filler": "x" * 1000}) and sent < 100_000:
        sent += 1
    assert 0 < sent < 100_000
