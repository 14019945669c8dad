"""Worker processes for CPU-bound handlers: kept and used again, interrupted by a signal, replaced when they die."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections import deque
from multiprocessing import active_children, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import psutil

from tasks_app.engine.context import Context
from tasks_app.engine.errors import TaskCancelled
from tasks_app.engine.registry import TaskType
from tasks_app.engine.run import raised
from tasks_app.engine.sentences import kept
from tasks_app.engine.spans import spans
from tasks_app.engine.task import Outcome, OutcomeKind, Task, TaskError
from tasks_app.engine.whose import running
from tasks_app.executors.worker import work

_WORKER_ENDED = kept("The worker process ended while this ran (exit code {code}).")
_CLOSE_GRACE = 2.0
_NAME = "iotask worker"


class Worker:
    """One process and the pipe to it."""

    def __init__(self) -> None:
        spawn = get_context("spawn")  # never fork: this process has threads
        self.pipe, theirs = spawn.Pipe()
        self.process: BaseProcess = spawn.Process(target=work, args=(theirs, os.getpid()), name=_NAME, daemon=True)
        self.process.start()
        theirs.close()
        self.is_new = True

    def end(self) -> None:
        """Close the pipe; a worker that does nothing leaves by itself, others are killed after a moment."""
        self.pipe.close()
        self.process.join(_CLOSE_GRACE)
        if self.process.is_alive():
            _kill(self.process)
            self.process.join()


class Workers:
    """The idle workers. As many are kept as were needed at once."""

    def __init__(self) -> None:
        self._idle: deque[Worker] = deque()
        self._lock = threading.Lock()
        self._closed = False

    def call(self, task_type: TaskType, task: Task, context: Context) -> Call:
        """A call that has not begun."""
        return Call(self, task_type, task, context)

    def take(self) -> Worker:
        """An idle worker that lives, or a new one."""
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.process.is_alive():
                    return worker
        return Worker()

    def give_back(self, worker: Worker) -> None:
        """Keep a worker for the next call."""
        with self._lock:
            worker.is_new = False
            if not self._closed:
                self._idle.append(worker)
                return
        worker.end()

    def close(self) -> None:
        """End all idle workers, and later those that come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = list(self._idle), deque()
        for worker in idle:
            worker.pipe.close()  # all at once, so that they leave together
        for worker in idle:
            worker.end()


def kill_all() -> None:
    """Kill the workers of an engine that did not stop: at exit multiprocessing waits for one that ignores SIGTERM, for ever."""
    for process in active_children():
        if process.name == _NAME:
            _kill(process)


def _kill(process: BaseProcess) -> None:
    """With all that its handler started."""
    pid = process.pid
    with contextlib.suppress(ProcessLookupError):
        if pid is not None and os.getpgid(pid) == pid:  # it leads a group from its first moment on, and not before
            os.killpg(pid, signal.SIGKILL)
    process.kill()


class Call:
    """One attempt in a worker. `run` blocks; the other methods may be called meanwhile from another thread."""

    def __init__(self, workers: Workers, task_type: TaskType, task: Task, context: Context) -> None:
        self._workers = workers
        self._job = (task_type.function.__module__, task_type.name, task.secrets or task.params, task.id, task.number, context.attempt)
        self._context = context
        self._worker: Worker | None = None
        self._has_begun = False
        self._lock = threading.Lock()

    def run(self) -> Outcome:
        """Follow the attempt to its end."""
        span = spans.begin(self._context) if spans.begin is not None else None
        try:
            outcome = self._follow()
        except Exception as error:  # no process to be had, or the pipe broke
            outcome = raised(error, self._context)
        if self._context.cancelled:
            outcome = raised(TaskCancelled(), self._context)
        if span is not None:
            span.end(outcome, None)
        return outcome

    def interrupt(self) -> None:
        """Raise TaskCancelled in the handler; before it has begun nothing is sent, and `_begun` looks again."""
        with self._lock:
            if self._has_begun:
                self._signal(signal.SIGUSR1)

    def held(self) -> int:
        """Bytes of memory the worker holds; 0 when there is none."""
        worker = self._worker
        try:
            return int(psutil.Process(worker.process.pid).memory_info().rss) if worker else 0
        except psutil.NoSuchProcess:
            return 0

    def kill(self) -> None:
        """End the process at once."""
        with self._lock:
            self._signal(signal.SIGKILL)

    def _follow(self) -> Outcome:
        outcome = None
        while outcome is None:  # ends: each turn takes one idle worker away, and a new one always gives an outcome
            outcome = self._try(self._workers.take())
        return outcome

    def _try(self, worker: Worker) -> Outcome | None:
        """The outcome in this worker; None if it had died while idle, so that nothing of the handler ran."""
        with self._lock:
            self._worker = worker
        sound = False
        try:
            outcome = raised(TaskCancelled(), self._context) if self._context.cancelled else self._talk(worker.pipe)
            sound = True
        except (EOFError, OSError):
            if not (self._has_begun or worker.is_new or self._context.cancelled):
                return None
            worker.process.join(_CLOSE_GRACE)
            said = str(_WORKER_ENDED(code=worker.process.exitcode))
            outcome = Outcome(kind=OutcomeKind.FAILED, error=TaskError("WorkerDied", said))
        finally:
            with self._lock:  # from here on no signal: a worker that was given back may serve another task
                self._worker = None
            if sound:
                self._workers.give_back(worker)
            else:
                worker.end()
        return outcome

    def _talk(self, pipe: Connection) -> Outcome:
        pipe.send((*self._job, self._context.trace, logging.getLogger().getEffectiveLevel()))
        while True:
            word, said = pipe.recv()
            if word == "done":
                assert isinstance(said, Outcome)
                return said
            if word == "began":
                self._begun()
            elif word == "progress":
                self._context.progress(*said)
            elif word == "log":
                self._context.log(said.text, said.level)
            elif word == "measure":
                self._context.measure(*said)
            elif word == "logged":
                self._logged(*said)

    def _logged(self, name: str, level: int, text: str, fields: dict[str, object]) -> None:
        """What a logger of the handler said there is said here, as that of the same attempt."""
        token = running.set(self._context)
        try:
            logging.getLogger(name).log(level, "%s", text, extra={"said": fields})
        finally:
            running.reset(token)

    def _begun(self) -> None:
        with self._lock:
            self._has_begun = True
        if self._context.cancelled:
            self.interrupt()

    def _signal(self, number: signal.Signals) -> None:
        if self._worker is not None and self._worker.process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                if number is signal.SIGKILL:
                    _kill(self._worker.process)
                else:
                    os.kill(self._worker.process.pid, number)
