"""Did the test leave anything behind: tasks, file descriptors, slots?"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def descriptors() -> dict[int, str]:
    """The open file descriptors of this process and what they point to."""
    found: dict[int, str] = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue
        # The listing itself holds one; libuv keeps a spare one from its first listener on.
        if not target.startswith("/proc/") and target != "/dev/null":
            found[int(entry.name)] = target
    return found


def _kind(target: str) -> str:
    """``socket``, ``pipe`` …, or the path of a file."""
    return target.partition(":[")[0]


@dataclass
class LeakCheck:
    """A snapshot, and what has been added to it since. Counters of slots are watched from when they are named."""

    tasks: set[asyncio.Task[object]] = field(default_factory=asyncio.all_tasks)
    files: dict[int, str] = field(default_factory=descriptors)
    counters: dict[str, tuple[Callable[[], int], int]] = field(default_factory=dict)

    def watch(self, name: str, count: Callable[[], int]) -> None:
        """Expect a counter to come back to what it is now."""
        self.counters[name] = (count, count())

    def found(self) -> list[str]:
        """What is there now and wasn't before."""
        current = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() - self.tasks if task is not current and not task.done()]
        # Some loops exchange their own sockets whenever they are started, so that numbers alone tell nothing.
        current_files = descriptors()
        counted, now = Counter(map(_kind, self.files.values())), Counter(map(_kind, current_files.values()))
        files = {
            number: target
            for number, target in current_files.items()
            if now[_kind(target)] > counted[_kind(target)] and self.files.get(number) != target
        }
        moved = {name: (before, count()) for name, (count, before) in self.counters.items() if count() != before}
        return [
            *(f"task {task.get_name()}: {task.get_coro()!r}" for task in tasks),
            *(f"descriptor {number}: {target}" for number, target in files.items()),
            *(f"counter {name}: {before} before, {after} now" for name, (before, after) in moved.items()),
        ]

    async def settled(self, grace: float = 1.0) -> list[str]:
        """What is still there after at most ``grace`` seconds, in which things may end by themselves."""
        for _ in range(int(grace / 0.005)):
            if not self.found():
                return []
            await asyncio.sleep(0.005)
        return self.found()
