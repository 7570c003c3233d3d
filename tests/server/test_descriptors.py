"""How descriptors are shared out."""

from __future__ import annotations

from codenex.server.descriptors import room_for


def test_the_shares_leave_something_for_files() -> None:
    for left in (*range(300), 1000, 65_536):
        check(left)


def check(left: int) -> None:
    room = room_for(left, 10_000)
    assert room.clients >= 2
    assert room.refused >= 2
    assert room.upstreams >= 2
    if left >= 30:
        # Every request may need a connection of its own to an upstream, and those who find no room are told so.
        used = room.clients + room.refused + room.upstreams
        assert left - used >= min(32, left // 3)
        assert used >= left // 2 - 1
        assert room.upstreams >= room.clients


def test_no_more_clients_than_are_wanted() -> None:
    assert room_for(1_000_000, 10_000).clients == 10_000
