"""Serves requests with processes of the CLI, one each, as responses of an upstream."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from codenex.core.errors import Fault, FaultKind
from codenex.core.redaction import redacted
from codenex.providers.claude_code.dialogue import Dialogue
from codenex.providers.claude_code.environment import environment
from codenex.providers.claude_code.invocation import Invocation, invocation
from codenex.providers.claude_code.process import LineTooLong, Process
from codenex.providers.claude_code.slots import Slots
from codenex.providers.claude_code.spares import Spares, Start
from codenex.providers.transport import BodyBudget, Deadlines, UpstreamResponse
from codenex.store.settings import Account

DEFAULT_PATH = "claude"
#: Bytes of an answer that are held for a slow client before the program has to wait.
_HIGH_WATER = 256 * 1024
#: Seconds that a program gets to put its things in order after its answer.
_PATIENCE = 2.0

_STREAM = [("content-type", "text/event-stream; charset=utf-8")]
_JSON = [("content-type", "application/json")]


class Bounds(msgspec.Struct, frozen=True):
    """Where the program is that has no path in its account, how many may run in this process, for how many seconds
    each, and how many are started ahead."""

    path: str = DEFAULT_PATH
    processes: int = 4
    seconds: float = 900.0
    spares: int = 0


#: Takes events for the event stream.
Tell = Callable[[str, dict[str, Any]], None]


class ClaudeCode:
    """The programs of one process of the gateway. ``budget`` counts bodies that are read whole; ``tell`` takes what an
    account has left of its quota, as ``account_quota``."""

    def __init__(self, budget: BodyBudget, tell: Tell = lambda name, data: None) -> None:
        self.budget = budget
        self.tell = tell
        self.slots = Slots()
        self.spares = Spares()
        self.runs: set[Run] = set()
        self._folder: str | None = None

    async def send(self, account: Account, body: bytes, deadlines: Deadlines, bounds: Bounds) -> UpstreamResponse:
        """Send a request that :func:`~codenex.providers.claude_code.fitting.fitted` has made.

        Cancelling kills the program at once. Raises :class:`Fault` where there is no program, or no room for it.
        """
        path = found(account.program or bounds.path)
        if path is None:
            raise missing(account.program or bounds.path)
        asked = invocation(body)
        variables = environment(account, os.environ, asked.variables)
        start = Start.of(path, asked.flags, variables, self.folder)
        await self.slots.take(bounds.processes, deadlines.first_byte)
        run = Run(self, account, start, asked, deadlines, bounds)
        self.runs.add(run)
        await run.response.wait_for_head()
        return run.response

    @property
    def folder(self) -> str:
        """An empty folder for programs to run in."""
        if self._folder is None or not os.path.isdir(self._folder):
            self._folder = tempfile.mkdtemp(prefix="codenex-")
        return self._folder

    async def close(self) -> None:
        """Kill all programs and wait until they are gone."""
        for run in tuple(self.runs):
            run.response.close()
        await asyncio.gather(*(run.task for run in tuple(self.runs)), return_exceptions=True)
        await self.spares.close()
        if self._folder is not None:
            with suppress(OSError):
                os.rmdir(self._folder)


def found(program: str) -> str | None:
    """Return the path of the CLI, if it is there."""
    return shutil.which(os.path.expanduser(program))


def missing(program: str) -> Fault:
    """Build the fault of a CLI that isn't there."""
    return Fault(
        FaultKind.UNAVAILABLE,
        f"the Claude Code CLI is not there: {program!r} is no program on this server. Install it"
        " (npm install -g @anthropic-ai/claude-code), or set CLAUDE_CODE_PATH to where it is",
        code="provider_unavailable",
    )


class Run:
    """One request at one process; feeds its response as a connection would."""

    def __init__(
        self,
        programs: ClaudeCode,
        account: Account,
        start: Start,
        asked: Invocation,
        deadlines: Deadlines,
        bounds: Bounds,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.budget = programs.budget
        self.response = UpstreamResponse(self, _HIGH_WATER)
        self._programs = programs
        self._account = account
        self._start = start
        self._bounds = bounds
        self._deadlines = deadlines
        self._dialogue = Dialogue(asked)
        self._process: Process | None = None
        self._dropped = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._heard = self.loop.time()
        self._end = self._heard + bounds.seconds
        self._timer = self.loop.call_at(self._due(), self._expire)
        self.task = self.loop.create_task(self._serve())

    # --- for the response ---------------------------------------------------------------------------------------

    def regulate(self) -> None:
        """Read on, or let the program wait for a slow client."""
        if self.response.held or self.response.full:
            self._flowing.clear()
        else:
            self._heard = self.loop.time()
            self._flowing.set()

    def settle(self) -> None:
        """Let the program end by itself, as it does behind its answer; there is a deadline for all of it."""

    def drop(self) -> None:
        """Kill the program: nobody wants the rest of its answer."""
        self._dropped = True
        self._flowing.set()
        if self._process is not None:
            self._process.kill()

    # --- inside -------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        patience = 0.0
        try:
            self._process = self._programs.spares.take(self._start) or await self._start.run()
            if not self._gone():
                patience = await self._talk(self._process)
        except Fault as fault:
            self.response.fail(fault)
        except OSError as error:
            self.response.fail(Fault(FaultKind.UNAVAILABLE, f"the Claude Code CLI can't be started: {error.strerror}"))
        except Exception as error:
            reason = f"the Claude Code CLI's answer is beyond understanding: {type(error).__name__}"
            self.response.fail(Fault(FaultKind.UPSTREAM, reason))
        finally:
            self._timer.cancel()
            try:
                if self._process is not None:
                    await self._process.reap(patience)
            finally:
                self._programs.runs.discard(self)
                self._programs.slots.give_back()
                if self.response.complete and self.response.status == 200:
                    self._programs.spares.prepare(self._start, self._bounds.spares)

    async def _talk(self, process: Process) -> float:
        """Carry the conversation on to its end; return for how many seconds the program may go on after it."""
        dialogue, response = self._dialogue, self.response
        answer = dialogue.answer
        told = None
        await process.write(dialogue.opening())
        while True:
            await self._flowing.wait()
            if self._gone():
                return 0.0
            try:
                lines = await process.lines()
            except LineTooLong:
                raise Fault(FaultKind.UPSTREAM, "the Claude Code CLI printed a line without end") from None
            if self._gone():
                return 0.0
            self._heard = self.loop.time()
            if not lines:
                await self._ended(process)
                return 0.0
            out = []
            for line in lines:
                reply, piece = dialogue.take(line)
                await process.write(reply)
                out.append(piece)
                if answer.abandoned:
                    process.kill()
                if answer.done:
                    break
            self._pass_on(b"".join(out))
            if dialogue.limits is not told:
                told = dialogue.limits
                account = self._account
                data = {"uuid": account.uuid, "provider": account.provider, "limits": told}
                self._programs.tell("account_quota", data)
            if answer.done:
                self._timer.cancel()
                response.body_ended()
                return 0.0 if answer.abandoned else _PATIENCE

    def _pass_on(self, data: bytes) -> None:
        response, failure = self.response, self._dialogue.answer.failure
        if failure is not None:
            response.headers = [*_JSON, *self._rest(failure.status)]
            response.status = failure.status
            data = redacted(failure.body.decode(), self._secrets).encode()
        elif data and response.status == 0:
            response.headers = [*_STREAM]
            response.status = 200
        if data:
            response.take_body(data)
            response.head_arrived()
            if response.full:
                self.regulate()

    def _rest(self, status: int) -> list[tuple[str, str]]:
        """Return when to come back, where the CLI said when a limit ends."""
        until = (self._dialogue.limits or {}).get("resetsAt")
        if status != 429 or not isinstance(until, int | float):
            return []
        return [("retry-after", str(max(1, int(until - time.time()))))]

    async def _ended(self, process: Process) -> None:
        """Judge a program that ended before its answer did."""
        await process.reap()
        if self._dialogue.answer.started:
            raise Fault(FaultKind.UPSTREAM_TRUNCATED, "the Claude Code CLI ended in the middle of its answer")
        told = redacted(process.complaints, self._secrets).splitlines()
        reason = f": {told[-1][:300]}" if told else ""
        raise Fault(FaultKind.UPSTREAM, f"the Claude Code CLI ended with status {process.status}{reason}")

    @property
    def _secrets(self) -> tuple[str, ...]:
        return (self._account.api_key,) if self._account.api_key else ()

    def _gone(self) -> bool:
        return self._dropped

    def _due(self) -> float:
        """Return when the program will be late."""
        waits = self._deadlines.first_byte if self.response.status == 0 else self._deadlines.idle
        return min(self._end, self._heard + waits)

    def _expire(self) -> None:
        """Give a program up that is late. While it waits for a slow client, only the end counts."""
        now, waiting = self.loop.time(), not self._flowing.is_set()
        due = self._end if waiting else self._due()
        if now < due:
            self._timer = self.loop.call_at(due if not waiting else min(due, now + 1.0), self._expire)
            return
        if now >= self._end:
            code, what = "total_timeout", "did not finish its answer in time"
        elif self.response.status == 0:
            code, what = "first_byte_timeout", "did not begin its answer in time"
        else:
            code, what = "idle_timeout", "stopped in the middle of its answer"
        self.response.fail(Fault(FaultKind.UPSTREAM_TIMEOUT, f"the Claude Code CLI {what}", code=code))
        self.drop()
