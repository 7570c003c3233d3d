"""A child's end of the line to the master: settings and listeners come in, heartbeats and questions go out, and its end
means that the master is gone."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from codenex import __version__
from codenex.core import json
from codenex.store.settings import Settings
from codenex.store.shared_memory import SharedMemory
from codenex.supervisor.channel import Channel

HEARTBEAT = 1.0
#: Seconds that a child without a master gets to end what it is doing.
ORPHAN_PATIENCE = 4.0


class Generation(msgspec.Struct, frozen=True):
    """One evaluated generation. ``process`` is what the processes were started with, ``problems`` is what is wrong with
    the files, so that their last good copies are used."""

    settings: Settings
    process: dict[str, Any]
    problems: list[str] = []


def read_generation(descriptor: int) -> Generation:
    """Read a generation from an open file and close it."""
    # The file is shared, position included, so that it is read without moving it.
    data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    os.close(descriptor)
    return decoded_generation(data)


def decoded_generation(data: bytes) -> Generation:
    """Read a generation as the evaluation writes it."""
    return json.decode_as(Generation, data)


class MasterLink:
    """The line of one child. The settings of a new generation are there as soon as :attr:`shared` says its number."""

    def __init__(self, descriptor: int) -> None:
        self._channel = Channel.inherited(descriptor)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._questions = 0
        self._renewals: list[Callable[[Generation], None]] = []
        self._statuses: list[Callable[[dict[str, Any]], None]] = []
        self._orphaned: Callable[[], None] | None = None
        self.revision = 0
        self.generation: Generation
        self.shared: SharedMemory
        self.folder = ""
        self.listeners: list[socket.socket] = []
        # Signals from a terminal reach the whole group; the master alone decides what they mean.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def wait_for_hello(self) -> None:
        """Wait for what the master gives to every child. Raises ``EOFError`` where it is gone."""
        while not self.folder:
            select.select([self._channel], [], [])
            self.poll()
            if self._channel.ended:
                raise EOFError("the master is gone")

    def start(self, orphaned: Callable[[], None], report: Callable[[], dict[str, Any]]) -> None:
        """Listen in the running event loop; ``orphaned`` is called when the master is gone."""
        loop = asyncio.get_running_loop()
        self._orphaned = orphaned
        loop.add_reader(self._channel.fileno(), self.poll)
        threading.Thread(target=self._outlive, name="master-watch", daemon=True).start()

        def beat() -> None:
            self._channel.send({"beat": {"version": __version__, **report()}})
            loop.call_later(HEARTBEAT, beat)

        beat()

    def ready(self) -> None:
        """Tell the master that this child serves."""
        self._channel.send({"ready": True})

    def on_generation(self, use: Callable[[Generation], None]) -> None:
        """Have new generations handed to ``use``."""
        self._renewals.append(use)

    def on_status(self, use: Callable[[dict[str, Any]], None]) -> None:
        """Have the master's reports about all processes handed to ``use``."""
        self._statuses.append(use)

    async def ask(self, what: str, patience: float = 30.0) -> dict[str, Any]:
        """Ask the master for a ``reload`` or ``restart``; return its answer. Raises ``TimeoutError``."""
        self._questions += 1
        answer = asyncio.get_running_loop().create_future()
        self._answers[self._questions] = answer
        number = self._questions
        try:
            self._channel.send({"ask": what, "number": number})
            result: dict[str, Any] = await asyncio.wait_for(answer, patience)
        finally:
            del self._answers[number]
        return result

    def poll(self) -> None:
        """Take what has come, also in the middle of other work."""
        for message, descriptors in self._channel.receive():
            if "hello" in message:
                self._greeted(message["hello"], descriptors)
            elif "answer" in message:
                answer = self._answers.get(message["answer"])
                if answer is not None and not answer.done():
                    answer.set_result(message)
            elif "revision" in message:
                self._take(descriptors.pop(0), message["revision"])
                for use in self._renewals:
                    use(self.generation)
            elif "processes" in message:
                for tell in self._statuses:
                    tell(message)
            for descriptor in descriptors:
                os.close(descriptor)
        if self._channel.ended and self._orphaned is not None:
            orphaned, self._orphaned = self._orphaned, None
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
            orphaned()

    def _greeted(self, hello: dict[str, Any], descriptors: list[int]) -> None:
        self._take(descriptors.pop(0), hello["revision"])
        shared = descriptors.pop(0)
        self.shared = SharedMemory(shared, hello["slot"])
        os.close(shared)
        self.listeners = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        descriptors.clear()
        self.folder = hello["folder"]

    def _take(self, descriptor: int, revision: int) -> None:
        self.generation = read_generation(descriptor)
        self.revision = revision

    def _outlive(self) -> None:
        """End the process a while after the master, even if its loop hangs."""
        poll = select.poll()
        poll.register(self._channel.fileno(), 0)
        while not any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll()):
            pass
        threading.Event().wait(ORPHAN_PATIENCE + 0.5)
        os._exit(1)
