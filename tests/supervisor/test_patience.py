"""When something that fails to start is started again, and when that is given up."""

from codenex.supervisor.patience import HOPELESS_WINDOW, Failures


def failures(*times):
    record = Failures()
    for time in times:
        record = record.another(time)
    return record


def test_the_first_start_is_at_once():
    assert Failures().next_start() == 0.0


def test_delays_grow_from_a_tenth_to_five_seconds():
    record, delays = Failures(), []
    for _ in range(9):
        record = record.another(10.0)
        delays.append(round(record.next_start() - 10.0, 3))
    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_five_failures_within_a_minute_are_hopeless():
    assert not failures(0, 1, 2, 3).hopeless(3.0)
    assert failures(0, 1, 2, 3, 4).hopeless(4.0)


def test_old_failures_are_forgotten():
    record = failures(0, 1, 2, 3, 4)
    assert not record.hopeless(HOPELESS_WINDOW + 0.5)
    assert record.another(HOPELESS_WINDOW + 10).times == (HOPELESS_WINDOW + 10,)
