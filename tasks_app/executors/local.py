"""Runs attempts in this process: coroutines on the engine's loop, functions in threads, CPU-bound ones in worker processes."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from tasks_app.engine.context import Context
from tasks_app.engine.ports import Run
from tasks_app.engine.registry import Kind, TaskType
from tasks_app.engine.run import raised, run_async, run_sync
from tasks_app.engine.sentences import Sentence
from tasks_app.engine.task import Outcome, Task
from tasks_app.engine.weights import frames_of, frames_of_thread, weight
from tasks_app.engine.whose import nobodys
from tasks_app.executors.workers import Workers

Settle = Callable[[Outcome], Any]


class LocalExecutor:
    """Three kinds of handlers, one process."""

    supports_force_stop = True
    supports_measure = True
    max_running: int | None = None
    trouble = ""

    def __init__(self) -> None:
        self._workers = Workers()

    def begin(self) -> None:
        """Everything is made when it is first needed."""

    def start(self, task: Task, task_type: TaskType, context: Context, settle: Settle) -> Run:
        """Begin an attempt on the running loop."""
        try:
            params = task_type.params_of(task)
            if task_type.kind is Kind.ASYNC:
                return AsyncRun(task_type, params, context, settle)
            if task_type.kind is Kind.THREAD:
                return ThreadRun(partial(run_sync, task_type.function, params, context), context, settle)
            return ProcessRun(self._workers, task_type, task, context, settle)
        except Exception as error:  # params of an older version, no thread to be had
            return NeverRun(error, context, settle)

    def follow(self, task: Task, task_type: TaskType, context: Context, settle: Settle) -> Run:
        """There is none to go on with: it ended with the process that ran it."""
        return NeverRun(ProcessLookupError("It ended with the process that ran it."), context, settle)

    def outlives(self, type_name: str) -> bool:
        """Nothing here goes on without this process."""
        return False

    def why_no_force(self, task: Task) -> Sentence | None:
        """Force can always be tried: what does not end is abandoned, and said to be."""
        return None

    async def close(self) -> None:
        """End the worker processes. Threads that do not stop are left to end with the process."""
        self._workers.close()  # here and now: nothing else is left to do, and pools may be full or closed already


class AsyncRun:
    """A coroutine on the engine's loop. It cannot be killed: one that swallows its cancel is abandoned."""

    __slots__ = ("_settle", "_task", "context")
    elsewhere = False

    def __init__(self, task_type: TaskType, params: Any, context: Context, settle: Settle) -> None:
        self.context = context
        self._settle = settle
        self._task = _begun(run_async(task_type.function, params, context))
        self._task.add_done_callback(self._done, context=nobodys.context)

    def stop(self) -> None:
        """Cancel the coroutine."""
        self._task.cancel()

    def kill(self) -> bool:
        """Cancel it once more; it may still decline."""
        self._task.cancel()
        return self._task.done()

    @property
    def alive(self) -> bool:
        """Whether the coroutine has not ended."""
        return not self._task.done()

    def held(self) -> int:
        """What its local variables hold."""
        return weight(frames_of(self._task.get_coro()))

    def _done(self, task: asyncio.Task[Outcome]) -> None:
        if task.cancelled():  # before its first step
            self._settle(raised(asyncio.CancelledError(), self.context))
        elif (error := task.exception()) is not None:  # the loop is closing
            self._settle(raised(error, self.context))
        else:
            self._settle(task.result())


def _begun(coroutine: Coroutine[Any, Any, Outcome]) -> asyncio.Task[Outcome]:
    """A task of asyncio's. Where Python can (3.12), its first step is taken here and now: a handler that waits for nothing has ended with
    that, and the loop never hears of it."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        return asyncio.Task(coroutine, loop=loop, eager_start=True)
    return asyncio.Task(coroutine, loop=loop)  # not by the loop's factory, which would ask whose it is: it is nobody's


class ThreadRun:
    """A function in a thread of its own. It sees `context.cancelled`; it cannot be killed."""

    elsewhere = False

    def __init__(self, work: Callable[[], Outcome], context: Context, settle: Settle) -> None:
        self.context = context
        self._work = work
        self._settle = settle
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=f"{context.type} {context.number}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Nothing more to do: the context tells it."""

    def kill(self) -> bool:
        """True only if it has ended by itself."""
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the thread lives."""
        return self._thread.is_alive()

    def held(self) -> int:
        """What its local variables hold."""
        return weight(frames_of_thread(self._thread.ident))

    def _run(self) -> None:
        outcome = self._work()
        try:
            self._loop.call_soon_threadsafe(self._settle, outcome)
        except RuntimeError:  # the loop has closed: the process ends and nobody waits for this
            return


class ProcessRun(ThreadRun):
    """A function in a worker process, followed by a thread here."""

    def __init__(self, workers: Workers, task_type: TaskType, task: Task, context: Context, settle: Settle) -> None:
        self._call = workers.call(task_type, task, context)
        super().__init__(self._call.run, context, settle)

    def stop(self) -> None:
        """Raise TaskCancelled inside the worker."""
        self._call.interrupt()

    def kill(self) -> bool:
        """Kill the worker: the next run gets a new one."""
        self._call.kill()
        return True

    def held(self) -> int:
        """What the worker holds."""
        return self._call.held()


class NeverRun:
    """An attempt that could not begin."""

    alive = False
    elsewhere = False

    def __init__(self, error: Exception, context: Context, settle: Settle) -> None:
        self.context = context
        asyncio.get_running_loop().call_soon(settle, raised(error, context))

    def stop(self) -> None:
        """It has ended."""

    def kill(self) -> bool:
        """It has ended."""
        return True

    def held(self) -> int:
        """Nothing."""
        return 0
