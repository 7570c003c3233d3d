"""Ids that the gateway gives to answers: never one twice, in no process."""

from __future__ import annotations

import os
import re

from codenex.gateway.answer_ids import new_id


def test_ids_have_their_form_and_never_come_again() -> None:
    found = [new_id() for _ in range(1000)]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in found)


def test_a_process_that_is_split_off_has_ids_of_its_own() -> None:
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        os.close(writing)
        assert told.read() != new_id()
