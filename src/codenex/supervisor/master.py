"""The master's loop: signals, the children's lines, evaluations of the settings, and the roster's next step.

SIGTERM and SIGINT stop gracefully, a second one at once. SIGHUP reads the settings again and replaces every process
without dropping a request; settings that can't be used are reported, and the last good ones stay.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any

from codenex.supervisor.allocation import serving
from codenex.supervisor.child import Child, Role
from codenex.supervisor.evaluation import Evaluation
from codenex.supervisor.listeners import listen, listen_unix, shown
from codenex.supervisor.notification import Notification
from codenex.supervisor.publication import Publication
from codenex.supervisor.roster import Roster
from codenex.supervisor.sources import Sources
from codenex.supervisor.voice import Voice

#: Seconds between two reports of the processes' state to the control process.
REPORT_INTERVAL = 2.0
#: Seconds that children get after SIGTERM; a second signal ends the wait.
STOP_PATIENCE = 30.0

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class Master:
    """One running gateway. ``arguments`` are those of the command line, for the child that evaluates them."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = list(arguments)
        self._selector = selectors.DefaultSelector()
        self._signals: list[int] = []
        self._evaluation: Evaluation | None = None
        self._renew_after = False
        #: who asked for the running evaluation, and whether another one is wanted after it
        self._askers: list[tuple[Child, int]] = []
        self._again = False
        self._publication: Publication
        self._roster: Roster
        self._notification: Notification
        self._listeners: list[socket.socket] = []
        self._address: tuple[str, int] | None = None
        self._announced = False
        self._stopping = False
        self._next_report = 0.0
        self._sources: Sources | None = None
        self._version = ""
        self._scheme = "http"

    def run(self) -> int:
        """Serve until told to stop; return the exit status."""
        self._catch_signals()
        self._notification = Notification()
        early = None if "--standalone" in self._arguments else Child("worker", 1, 1, time.monotonic())
        evaluation = Evaluation(self._arguments)
        document = self._first_document(evaluation)
        if document is None or document["process"]["standalone"]:
            if early is not None:
                early.kill()
                early.process.wait()
            if document is not None:
                self._notification.hand_on()
                _become_standalone(document)
            # Interrupted before anything began, or the evaluation has said what is wrong.
            return 0 if self._told_to_stop() else evaluation.status or 1
        process = document["process"]
        try:
            self._listeners = [listen(process["host"], process["port"])]
            if process["unix_socket"] is not None:
                self._listeners.append(listen_unix(process["unix_socket"]))
        except (OSError, UnicodeError) as error:
            if early is not None:
                early.kill()
                early.process.wait()
            _say(f"can't listen on {shown(process['host'], process['port'])}: {_reason(error)}")
            return 1
        self._address = (process["host"], process["port"])
        self._publication = Publication(document)
        self._publication.announce()
        self._roster = Roster(
            self._publication.slots,
            start=self._start,
            dismiss=self._dismiss,
            occupy=self._publication.occupy,
            say=_say,
            drain=process["drain"],
        )
        self._apply(document)
        if early is not None:
            self._selector.register(early.channel, selectors.EVENT_READ, early)
            self._greet(early)
            self._roster.adopt(early)
        try:
            return self._loop()
        finally:
            self._roster.kill()
            for child in self._roster.children:
                child.process.wait()
            self._publication.remove()

    # --- the loop -------------------------------------------------------------------------------------------------

    def _loop(self) -> int:
        while True:
            now = time.monotonic()
            self._handle_signals(now)
            if self._sources is not None and self._sources.changed(now):
                _say("sources have changed: every process is replaced")
                self._evaluate(renew=True)
            due = self._roster.step(now)
            if self._roster.hopeless is not None and not self._stopping:
                _say(f"stopped: {self._roster.hopeless}")
                return 1
            self._announce()
            self._report(now)
            if self._evaluation is None and self._roster.settled():
                self._notification.settled()
            due = min(due, self._notification.beat(now))
            if self._stopping and not self._roster.children:
                _say("stopped")
                return 0
            for key, _ in self._selector.select(max(0.0, due - time.monotonic())):
                self._read(key)

    def _read(self, key: selectors.SelectorKey) -> None:
        source = key.data
        if isinstance(source, Child):
            self._listen_to(source)
        elif isinstance(source, Evaluation):
            # Unregistered first: its descriptor is closed once everything has been read.
            self._selector.unregister(source)
            if source.finished():
                self._evaluated(source)
            else:
                self._selector.register(source, selectors.EVENT_READ, source)
        else:
            with contextlib.suppress(BlockingIOError):
                while source.recv(4096):
                    pass

    def _listen_to(self, child: Child) -> None:
        now = time.monotonic()
        for message, _ in child.channel.receive():
            child.beat = now
            if "ready" in message:
                self._roster.became_ready(child, now)
                self._next_report = 0.0
            elif "failed" in message:
                child.reason = str(message["failed"])
            elif "beat" in message:
                child.report = message["beat"]
            elif "ask" in message:
                self._asked(child, str(message["ask"]), int(message["number"]))
        if child.channel.ended:
            with contextlib.suppress(KeyError):
                self._selector.unregister(child.channel)

    def _asked(self, child: Child, what: str, number: int) -> None:
        if what == "restart":
            _say("a restart was asked for: every process is replaced")
            child.channel.send({"answer": number})
            self._evaluate(renew=True)
        elif what == "reload":
            self._askers.append((child, number))
            self._evaluate(renew=False)

    # --- settings -------------------------------------------------------------------------------------------------

    def _first_document(self, evaluation: Evaluation) -> dict[str, Any] | None:
        self._selector.register(evaluation, selectors.EVENT_READ, evaluation)
        while True:
            for key, _ in self._selector.select():
                if key.data is evaluation:
                    if evaluation.finished():
                        self._selector.unregister(key.fileobj)
                        document: dict[str, Any] | None = evaluation.document()
                        return document
                else:
                    self._read(key)
            if self._told_to_stop():
                self._selector.unregister(evaluation)
                evaluation.stop()
                return None

    def _evaluate(self, *, renew: bool) -> None:
        self._renew_after = self._renew_after or renew
        if renew:
            self._notification.reloading()
        if self._evaluation is not None:
            # What is being read now may be older than what was asked for.
            self._again = True
            return
        previous = f"/proc/{os.getpid()}/fd/{self._publication.settings}"
        self._evaluation = Evaluation(self._arguments, previous)
        self._selector.register(self._evaluation, selectors.EVENT_READ, self._evaluation)

    def _evaluated(self, evaluation: Evaluation) -> None:
        self._evaluation = None
        if self._stopping:
            return
        if self._again:
            self._again = False
            self._evaluate(renew=False)
            return
        document = evaluation.document()
        problems = ["the settings can't be used; the log says why"] if document is None else document["problems"]
        if document is None:
            _say("the settings can't be used: the last good ones stay")
        else:
            self._publication.publish(document)
            self._apply(document)
            for child in self._roster.children:
                if child.greeted:
                    child.channel.send({"revision": self._publication.revision}, [self._publication.settings])
            # After the settings are on their way: who sees the new number finds them on its line.
            self._publication.announce()
        for child, number in self._askers:
            child.channel.send({"answer": number, "revision": self._publication.revision, "problems": problems})
        self._askers.clear()
        if self._renew_after:
            self._renew_after = False
            self._roster.renew()

    def _apply(self, document: dict[str, Any]) -> None:
        process = document["process"]
        self._version = process["version"]
        self._scheme = process["scheme"]
        address = (process["host"], process["port"])
        if address != self._address and self._move(address):
            self._renew_after = True
        self._roster.workers = process["workers"]
        self._roster.drain = process["drain"]
        self._roster.control_wanted = True
        watched = process["watched"]
        if self._sources is None and watched:
            self._sources = Sources(watched)

    def _move(self, address: tuple[str, int]) -> bool:
        try:
            listener = listen(*address)
        except (OSError, UnicodeError) as error:
            _say(f"can't listen on {shown(*address)}: {_reason(error)}; the old address stays")
            return False
        self._listeners[0].close()
        # A listener on a Unix socket stays where it is until the next start.
        self._listeners[0] = listener
        self._address, self._announced = address, False
        return True

    # --- children -------------------------------------------------------------------------------------------------

    def _start(self, role: Role, slot: int, epoch: int) -> Child:
        child = Child(role, slot, epoch, time.monotonic())
        self._selector.register(child.channel, selectors.EVENT_READ, child)
        self._greet(child)
        return child

    def _dismiss(self, child: Child) -> None:
        """Take the last words of a child that has ended, and close its line."""
        self._listen_to(child)
        with contextlib.suppress(KeyError):
            self._selector.unregister(child.channel)
        child.channel.close()

    def _greet(self, child: Child) -> None:
        publication = self._publication
        message = {
            "hello": {"slot": child.slot, "revision": publication.revision, "folder": str(publication.folder)},
        }
        descriptors = [publication.settings, publication.shared]
        if child.role == "worker":
            descriptors += [listener.fileno() for listener in self._listeners]
        child.channel.send(message, descriptors)
        child.greeted = True

    def _announce(self) -> None:
        if not self._announced and self._roster.serving():
            self._announced = True
            self._notification.ready()
            address = shown(*self._listeners[0].getsockname()[:2])
            _say(f"{self._version} listens on {self._scheme}://{address}", prefix="codenex ")

    def _report(self, now: float) -> None:
        """Tell the control process how the others are."""
        control = self._roster.serving("control")
        if not control or now < self._next_report:
            return
        self._next_report = now + REPORT_INTERVAL
        states = [
            {
                "role": child.role,
                "pid": child.pid,
                "slot": child.slot,
                "state": _state(child),
                "age": round(now - child.started, 1),
                "report": child.report,
            }
            for child in self._roster.children
        ]
        settled = self._roster.settled() and self._evaluation is None
        control[0].channel.send({"processes": states, "master": os.getpid(), "settled": settled})

    # --- signals --------------------------------------------------------------------------------------------------

    def _catch_signals(self) -> None:
        waking, woken = socket.socketpair()
        for end in (waking, woken):
            end.setblocking(False)
        signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        self._waking = waking
        self._selector.register(woken, selectors.EVENT_READ, woken)
        for number in _SIGNALS:
            signal.signal(number, lambda received, _: self._signals.append(received))

    def _told_to_stop(self) -> bool:
        return signal.SIGTERM in self._signals or signal.SIGINT in self._signals

    def _handle_signals(self, now: float) -> None:
        while self._signals:
            number = self._signals.pop(0)
            if number in (signal.SIGTERM, signal.SIGINT):
                if self._stopping:
                    self._roster.kill()
                    continue
                self._stopping = True
                self._notification.stopping()
                for listener in self._listeners:
                    listener.close()
                self._roster.stop(now, min(STOP_PATIENCE, self._roster.drain))
            elif number == signal.SIGHUP and not self._stopping:
                _say("settings are read again and every process is replaced")
                self._evaluate(renew=True)


def _state(child: Child) -> str:
    if child.retire_by is not None:
        return "retiring"
    return "starting" if child.ready_at is None else "serving"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


_voice = Voice()


def _say(text: str, prefix: str = "codenex: ") -> None:
    _voice.say(f"{prefix}{text}")


def _become_standalone(document: dict[str, Any]) -> None:
    """Go on as the one process of standalone mode, with the settings in an inherited memory file."""
    publication = Publication(document)
    os.set_inheritable(publication.settings, True)
    publication.remove()
    arguments = ["-P", "-m", "codenex", "run-standalone", str(publication.settings)]
    _voice.close()
    os.execve(sys.executable, [sys.executable, *arguments], serving(os.environ))  # noqa: S606


def run(arguments: Sequence[str]) -> int:
    """Run a master with the arguments of the command line."""
    try:
        return Master(arguments).run()
    finally:
        _voice.close()
