"""Playbooks of the roster: who is started, replaced and retired, under a virtual clock and with children that only
exist here."""

import signal
from itertools import pairwise

import pytest

from codenex.supervisor.roster import HEARTBEAT_LIMIT, START_LIMIT, Roster


class FakeChild:
    """A child that ends when it is told to."""

    def __init__(self, role, slot, epoch, now, pid):
        self.role, self.slot, self.epoch, self.pid = role, slot, epoch, pid
        self.started = self.beat = now
        self.ready_at = None
        self.retire_by = None
        self.reason = ""
        self.ended = None

    def status(self):
        return self.ended

    def retire(self, now, patience):
        if self.retire_by is None:
            self.retire_by = now + patience

    def kill(self):
        self.ended = -signal.SIGKILL


class Stage:
    """A roster, its clock and everything that happened."""

    def __init__(self, workers=2, drain=300.0, control=False):
        self.now = 100.0
        self.said = []
        self.owners = {}
        self.started = []
        self.dismissed = []
        self.roster = Roster(
            8,
            start=self.start,
            dismiss=self.dismissed.append,
            occupy=self.occupy,
            say=self.said.append,
            drain=drain,
        )
        self.roster.workers = workers
        self.roster.control_wanted = control

    def start(self, role, slot, epoch):
        child = FakeChild(role, slot, epoch, self.now, 1000 + len(self.started))
        self.started.append(child)
        return child

    def occupy(self, slot, pid):
        self.owners[slot] = pid

    def step(self, seconds=0.0, *, beating=True):
        self.now += seconds
        if beating:
            for child in self.roster.children:
                child.beat = self.now
        self.roster.step(self.now)

    def ready(self, *children):
        for child in children or self.roster.starting() + self.roster.starting("control"):
            self.roster.became_ready(child, self.now)
        self.step()

    @property
    def serving(self):
        return self.roster.serving()


def served(**options):
    stage = Stage(**options)
    stage.step()
    stage.ready()
    stage.step()
    return stage


def test_workers_start_and_serve_in_slots_of_their_own():
    stage = served()
    assert [child.slot for child in stage.serving] == [1, 2]
    assert stage.owners == {1: 1000, 2: 1001}
    assert stage.roster.settled()


def test_no_more_than_two_start_at_once():
    stage = Stage(workers=5)
    stage.step()
    stage.step()
    assert len(stage.started) == 2
    stage.ready()
    assert len(stage.started) == 4


def test_a_killed_worker_is_replaced_in_the_next_step():
    stage = served()
    stage.started[0].ended = -signal.SIGKILL
    stage.step(0.01)
    assert len(stage.started) == 3
    assert stage.owners[1] == stage.started[2].pid
    assert stage.dismissed == [stage.started[0]]
    assert stage.roster.hopeless is None


def test_many_kills_of_running_workers_are_no_crash_loop():
    stage = served()
    for _ in range(50):
        stage.serving[0].ended = -signal.SIGKILL
        stage.step(0.2)
        stage.ready()
    assert stage.roster.hopeless is None
    assert len(stage.serving) == 2


def test_kills_of_workers_that_start_are_no_crash_loop_either():
    stage = Stage(workers=1)
    for _ in range(20):
        stage.step(0.5)
        for child in stage.roster.starting():
            child.ended = -signal.SIGKILL
    assert stage.roster.hopeless is None
    for _ in range(20):
        stage.step(0.5)
        stage.ready()
    assert len(stage.serving) == 1


def test_a_replacement_serves_before_the_old_one_retires():
    stage = served()
    old = list(stage.serving)
    stage.roster.renew()
    stage.step()
    assert all(child.retire_by is None for child in old)
    new = stage.roster.starting()
    stage.ready(new[0])
    assert [child.retire_by is None for child in old] == [False, True]
    assert old[0].retire_by == stage.now + 300.0
    stage.ready(new[1])
    assert [child.epoch for child in stage.serving] == [2, 2]
    assert {child.slot for child in stage.roster.children} == {1, 2, 3, 4}


def test_the_slots_of_those_that_drain_are_not_given_away():
    stage = served(workers=1)
    for _ in range(10):
        stage.roster.renew()
        stage.step()
        stage.ready()
    # Seven slots for workers: one serves, six drain; the next replacement waits for one of them to end.
    assert len(stage.roster.children) == 7
    assert len({child.slot for child in stage.roster.children}) == 7
    assert len(stage.serving) == 1
    next(child for child in stage.roster.children if child.retire_by is not None).ended = 0
    stage.step()
    stage.ready()
    assert stage.serving[0].epoch == stage.roster.epoch


def test_a_worker_that_does_not_drain_in_time_is_killed():
    stage = served(workers=1, drain=30.0)
    old = stage.serving[0]
    stage.roster.renew()
    stage.step()
    stage.ready()
    stage.step(29.0)
    assert old.ended is None
    stage.step(1.1)
    assert old.ended == -signal.SIGKILL
    stage.step()
    assert old not in stage.roster.children


def test_a_silent_worker_is_killed_and_replaced():
    stage = served()
    silent, other = stage.serving
    stage.now += HEARTBEAT_LIMIT + 0.5
    other.beat = stage.now
    stage.step(beating=False)
    stage.step(beating=False)
    assert silent.ended == -signal.SIGKILL
    assert other.ended is None
    assert len(stage.started) == 3


def test_a_worker_that_never_gets_ready_is_killed():
    stage = Stage(workers=1)
    stage.step()
    stage.step(START_LIMIT + 1)
    assert stage.started[0].ended is not None
    stage.step(0.01)
    assert "not ready" in "".join(stage.said)


def test_starts_that_fail_back_off_and_are_given_up_with_the_reason():
    stage = Stage(workers=1)
    starts = []
    for _ in range(1000):
        before = len(stage.started)
        stage.step(0.05)
        if len(stage.started) > before:
            starts.append(stage.now)
            stage.started[-1].reason = "ImportError: no such thing"
            stage.started[-1].ended = 1
        if stage.roster.hopeless:
            break
    assert stage.roster.hopeless == "no worker starts: ImportError: no such thing"
    assert len(starts) == 5
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses == sorted(pauses)


def test_a_broken_renewal_leaves_what_serves():
    stage = served()
    stage.roster.renew()
    for _ in range(400):
        stage.step(0.1)
        for child in stage.roster.starting():
            child.reason, child.ended = "broken", 1
    assert stage.roster.hopeless is None
    assert len(stage.serving) == 2
    assert all(child.retire_by is None for child in stage.serving)
    assert any("what serves now stays" in line for line in stage.said)


def test_control_starts_after_the_first_worker_and_there_is_never_more_than_one():
    stage = Stage(control=True)
    stage.step()
    assert {child.role for child in stage.started} == {"worker"}
    stage.ready()
    control = [child for child in stage.started if child.role == "control"]
    assert [child.slot for child in control] == [0]
    stage.ready()
    stage.roster.renew()
    stage.step()
    stage.ready()
    stage.step()
    assert control[0].retire_by is not None
    assert sum(child.role == "control" for child in stage.started) == 1
    control[0].ended = 0
    stage.step()
    assert sum(child.role == "control" for child in stage.started) == 2


def test_a_control_process_that_fails_never_ends_the_rest():
    stage = served(control=True)
    for _ in range(2000):
        stage.step(0.1)
        for child in stage.roster.starting("control"):
            child.reason, child.ended = "no database", 1
    assert stage.roster.hopeless is None
    assert len(stage.serving) == 2
    starts = sum(child.role == "control" for child in stage.started)
    assert 30 < starts < 60


@pytest.mark.parametrize("wanted", [1, 4])
def test_the_number_of_workers_can_change(wanted):
    stage = served(workers=2)
    stage.roster.workers = wanted
    for _ in range(4):
        stage.step()
        stage.ready()
    assert len(stage.serving) == wanted


def test_stopping_retires_everybody_and_starts_nobody():
    stage = served(control=True)
    stage.step()
    stage.ready()
    stage.roster.stop(stage.now, 30.0)
    count = len(stage.started)
    assert all(child.retire_by == stage.now + 30.0 for child in stage.roster.children)
    for child in stage.started:
        child.ended = 0
    stage.step(1.0)
    assert stage.roster.children == []
    assert len(stage.started) == count
