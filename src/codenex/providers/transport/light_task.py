"""A coroutine that goes without a task of asyncio as long as it waits for an upstream's answer alone.

A task costs a request more than its whole way through the pool: it is registered, its steps go through the loop, and
each wait needs a future. Here the read that brings what a coroutine waits for takes the coroutine's next step itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Iterator
from itertools import repeat
from types import coroutine
from typing import Any


class _Driven:
    """What is going on. An object of its own: to set an attribute of a class makes the interpreter forget all that it
    has learned of the class and of those that are derived from it."""

    __slots__ = ("light_task",)

    def __init__(self) -> None:
        self.light_task: LightTask | None = None


#: Has the light task whose coroutine is being driven by hand right now. In tasks there is none.
driven = _Driven()


class _InTask:
    """What a coroutine yields to go on in a task."""


_IN_TASK = _InTask()
#: What a coroutine yields that has ended.
_OVER = object()


@coroutine
def in_task() -> Generator[Any, None, None]:
    """Go on in a task of asyncio. To be awaited before anything that asks for the current task, as timeouts do."""
    if driven.light_task is not None:
        yield _IN_TASK


class LightTask:
    """Drives a coroutine: by hand while it awaits this object, in a task from its first other wait on.

    Whoever has what is waited for calls :meth:`step` if ``waiting`` says so. A step may come for nothing: who waits
    has to look. Subclasses learn the end by :meth:`over`.
    """

    __slots__ = ("_cancelled", "_in_task", "coroutine", "steps", "task", "waiting")

    coroutine: Coroutine[Any, Any, None]
    #: The same, to be asked for its next wait: its end then makes no exception.
    steps: Iterator[Any]
    #: The task has taken its first step: from here on, cancelling it reaches the coroutine.
    _in_task: bool
    #: The task is to be cancelled with its first step.
    _cancelled: bool

    def __init__(self) -> None:
        #: It waits, and is driven by hand.
        self.waiting = False
        #: The task that it has become.
        self.task: asyncio.Task[None] | None = None

    def over(self, error: BaseException | None) -> None:
        """Take note that the coroutine has ended, and with what exception."""
        raise NotImplementedError

    def __await__(self) -> Generator[Any, None, None]:
        # Yields it once, without the frame of a generator.
        return repeat(self, 1)  # type: ignore[return-value]

    def begin(self, coroutine: Coroutine[Any, Any, None], *, light: bool) -> None:
        """Drive a coroutine: by hand if it is made for that, else in a task."""
        self.coroutine = coroutine
        if light:
            self.steps = coroutine.__await__()
            self.step()
        else:
            self._hand_over(_IN_TASK)

    def step(self, error: BaseException | None = None) -> None:
        """Go on until the next wait, or the end, with an exception where there is one."""
        self.waiting = False
        before = driven.light_task
        driven.light_task = self
        try:
            wanted = next(self.steps, _OVER) if error is None else self.coroutine.throw(error)
        except StopIteration:
            driven.light_task = before
            self.over(None)
            return
        except (Exception, asyncio.CancelledError) as failure:
            driven.light_task = before
            self.over(failure)
            return
        driven.light_task = before
        if wanted is self:
            self.waiting = True
        elif wanted is _OVER:
            self.over(None)
        else:
            self._hand_over(wanted)

    def wake(self) -> None:
        """Go on if it still waits. For what has been put off until the loop's next turn."""
        if self.waiting:
            self.step()

    def cancel(self) -> None:
        """Cancel what the coroutine waits for, as with a task."""
        if self.waiting:
            self.step(asyncio.CancelledError())
        elif self.task is not None:
            if self._in_task:
                self.task.cancel()
            else:
                # One that is cancelled before its first step would never run, and so take no leave.
                self._cancelled = True
        elif self.coroutine.cr_running:  # type: ignore[attr-defined]
            asyncio.get_running_loop().call_soon(self.cancel)

    def _hand_over(self, wanted: Any) -> None:
        self._in_task = self._cancelled = False
        self.task = asyncio.get_running_loop().create_task(self._rest(wanted))

    async def _rest(self, wanted: Any) -> None:
        self._in_task = True
        try:
            if self._cancelled:
                wanted = self.coroutine.throw(asyncio.CancelledError())
            await _rest_of(self.coroutine, wanted)
        except StopIteration:
            self.over(None)
        except asyncio.CancelledError as error:
            self.over(error)
            raise
        except Exception as error:
            self.over(error)
        else:
            self.over(None)


@coroutine
def _rest_of(begun: Coroutine[Any, Any, None], wanted: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine that waits for something."""
    try:
        while True:
            try:
                value = None if wanted is _IN_TASK else (yield wanted)
            except BaseException as error:
                wanted = begun.throw(error)
            else:
                wanted = begun.send(value)
    except StopIteration:
        return
