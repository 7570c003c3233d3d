"""What Python processes of a gateway hold inside: asked by a signal, answered by a hook that the interpreter runs at
its start, so that nothing of the gateway has to know of it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from tests.endurance.victim import until
from tests.support.process import ROOT

#: Python imports it before anything else, from the first folder that has one.
HOOK = """
import asyncio, gc, json, os, signal, sys, threading
from collections import Counter

def _tell(number, frame):
    gc.collect()
    # What was there at the start is kept apart from the rest by the gateway, and would not be listed.
    gc.unfreeze()
    kinds, running = Counter(), []
    for one in gc.get_objects():
        kind = type(one)
        if str(kind.__module__).startswith("codenex."):
            kinds[kind.__name__] += 1
            if kind.__name__ == "Admission":
                running.append(one.in_progress)
    gc.freeze()
    try:
        tasks = [task.get_name() for task in asyncio.all_tasks()]
    except RuntimeError:
        tasks = []
    told = {"tasks": tasks, "admitted": sum(running), "kinds": kinds, "threads": threading.active_count()}
    path = os.path.join(os.environ["TELL_INSIDE"], str(os.getpid()))
    with open(path + ".new", "w") as file:
        json.dump(told, file)
    os.rename(path + ".new", path)

if "TELL_INSIDE" in os.environ:
    signal.signal(signal.SIGUSR2, _tell)
"""


class Inside:
    """``environment`` is for the gateway; ``told(pid)`` then asks one of its processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "inside"
        self._folder.mkdir()
        (self._folder / "sitecustomize.py").write_text(HOOK)
        self.environment = {
            "TELL_INSIDE": str(self._folder),
            "PYTHONPATH": os.pathsep.join((str(self._folder), str(ROOT / "src"))),
        }

    async def told(self, pid: int) -> dict[str, Any]:
        """``tasks`` by name, requests that are ``admitted``, ``threads``, and objects of the project by ``kinds``."""
        path = self._folder / str(pid)
        path.unlink(missing_ok=True)
        os.kill(pid, signal.SIGUSR2)
        await until(path.exists, 20, f"{pid} does not tell")
        return json.loads(path.read_text())
