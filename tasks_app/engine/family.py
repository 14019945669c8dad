"""What a handler starts beside itself, coroutines and programs: it ends with the attempt, whether the handler thought of it or not."""

from __future__ import annotations

import asyncio
import os
import signal
import weakref
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

LEAVING = 1.0  # seconds that coroutines get to clean up when the handler they belong to has ended
_current: ContextVar[Family | None] = ContextVar("family", default=None)
_astray: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()


class Family:
    """The coroutines and programs of one attempt."""

    __slots__ = ("_asked_for", "_programs", "_tasks")

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] | None = None  # none of these three before the first: most handlers start nothing
        self._asked_for: set[asyncio.Task[Any]] | None = None  # of the tasks those of which the handler says that they end with it
        self._programs: list[Process] | None = None

    def settle_here(self) -> None:
        """Whatever the running coroutine starts from now on, and what that starts, belongs to this family."""
        _current.set(self)

    def start(self, coroutine: Coroutine[Any, Any, Any], failed: Callable[[BaseException], object]) -> asyncio.Task[Any]:
        """Run a coroutine beside the handler; `failed` hears of an error in it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.adopt(task)
        self._asked_for = self._asked_for or set()
        self._asked_for.add(task)
        task.add_done_callback(lambda ended: None if ended.cancelled() or ended.exception() is None else failed(ended.exception()))  # type: ignore[arg-type]
        return task

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """A coroutine was started by one of the family."""
        self._tasks = self._tasks or set()
        if task not in self._tasks:
            self._tasks.add(task)
            task.add_done_callback(self._gone)

    async def program(self, *command: str, **options: Any) -> Process:
        """Start a program in a group of its own. Raises OSError."""
        made = await asyncio.create_subprocess_exec(*command, start_new_session=True, **options)
        self._programs = [*(self._programs or ()), made]
        return made

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left, so that nothing has to end."""
        return not self._tasks and not self._programs

    async def end(self) -> int:
        """Kill programs with all that they started, cancel coroutines, give these a moment. How many coroutines nobody had thought of."""
        for program in self._programs or ():
            _kill_group(program)
        left = set(self._tasks or ())
        forgotten = len(left - (self._asked_for or set()))
        for task in left:
            task.cancel()
        _astray.update(await _ended(left))
        return forgotten

    def _gone(self, task: asyncio.Task[Any]) -> None:
        for tasks in (self._tasks, self._asked_for):
            if tasks:
                tasks.discard(task)


def made(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
    """A loop's task factory: what belongs to a family is found by it."""
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **more)
    family = _current.get()
    if family is not None:
        family.adopt(task)
    return task


def astray() -> int:
    """How many coroutines outlive the handlers they belonged to, as they do not stop when they are cancelled."""
    return sum(not task.done() for task in list(_astray))


async def _ended(tasks: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Wait for them, whoever cancels us meanwhile; those that go on."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LEAVING
    pending = {task for task in tasks if not task.done()}
    while pending and loop.time() < until:
        with suppress(asyncio.CancelledError):  # the attempt is being stopped: this is how it ends
            await asyncio.wait(pending, timeout=until - loop.time())
        pending = {task for task in pending if not task.done()}
    return pending


def _kill_group(program: Process) -> None:
    """Its children as well, and those it left behind when it ended."""
    if program.returncode is None or not _exists(program.pid):  # an ended program's number may be somebody else's by now
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(program.pid, signal.SIGKILL)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
