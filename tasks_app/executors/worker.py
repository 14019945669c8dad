"""What a worker process does: one job after the other, each with a context whose words travel back in batches."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import threading
from collections import deque
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

import psutil

from tasks_app.engine.context import Context, Report, Stop
from tasks_app.engine.errors import TaskCancelled
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.registry import TaskType
from tasks_app.engine.run import raised, run_sync
from tasks_app.engine.task import Outcome, OutcomeKind
from tasks_app.engine.trail import MAX_LINES, LogLine, Trail
from tasks_app.handler_lines import mark
from tasks_app.tracing import adopt

FLUSH = 0.1  # seconds between messages
_LEAVE_GRACE = 2  # whole seconds
_PLAIN = (str, int, float, bool, type(None))  # values that travel as they are
_CHILDREN = 2.0  # seconds that killed programs may take to be gone


class _Echo(Trail):
    """Sends what a handler logs and measures to the other side, in batches."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self._pipe = pipe
        self._said: deque[tuple[str, Any]] = deque(maxlen=2 * MAX_LINES)
        self._report: Report | None = None
        self._send_lock = threading.Lock()

    def log(self, **line: Any) -> LogLine:
        made = super().log(**line)
        self._said.append(("log", made))
        return made

    def measure(self, name: str, value: float | None, *, seconds: float, unit: str, attempt: int = 1) -> None:
        self._said.append(("measure", (name, value, unit)))

    def logged(self, record: logging.LogRecord) -> None:
        """A logger of the handler said something: the other side says it."""
        text, why = record.getMessage(), record.exc_info[1] if record.exc_info else None
        said = {str(name): value if isinstance(value, _PLAIN) else str(value) for name, value in getattr(record, "said", {}).items()}
        self._said.append(("logged", (record.name, record.levelno, f"{text} ({type(why).__name__}: {why})" if why else text, said)))

    def report(self, number: int, attempt: int, report: Report) -> None:
        """Remember the newest word on progress."""
        self._report = report

    def flush(self) -> None:
        """Send what was said since the last time."""
        with self._send_lock:
            report, self._report = self._report, None
            if report is not None:
                self._pipe.send(("progress", report))
            while self._said:
                self._pipe.send(self._said.popleft())

    def send(self, word: str, said: Outcome | None = None) -> None:
        """Send a word of our own."""
        with self._send_lock:
            self._pipe.send((word, said))


def work(pipe: Connection, parent: int) -> None:
    """Serve jobs until the other side is gone; `parent` is its process."""
    current: list[Context] = []
    leaving: list[int] = []

    def interrupt(signum: int, frame: FrameType | None, kind: OutcomeKind = OutcomeKind.CANCELLED) -> None:
        if current and not current[0].cancelled:
            current[0].request_stop(Stop(kind))
            raise TaskCancelled

    def leave(signum: int, frame: FrameType | None) -> None:
        if not current:
            os._exit(0)
        leaving.append(signum)
        signal.alarm(_LEAVE_GRACE)  # a handler that does not let go ends with the process
        interrupt(signum, frame, OutcomeKind.INTERRUPTED)

    os.setpgid(0, 0)  # programs that a handler starts are in its worker's group, and end with it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGUSR1, interrupt)
    signal.signal(signal.SIGTERM, leave)
    with contextlib.suppress(EOFError, OSError):
        while not leaving:
            _serve(pipe, pipe.recv(), current, parent)


class _Loggers(logging.Handler):
    """All loggers of a worker, for one attempt."""

    def __init__(self, echo: _Echo, level: int) -> None:
        super().__init__()
        self._echo = echo
        mark()
        logging.getLogger().setLevel(level)
        logging.getLogger().handlers = [self]

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._echo.logged(record)
        except Exception:
            self.handleError(record)


def _serve(pipe: Connection, job: tuple[str, str, bytes, str, int, int, str, int], current: list[Context], parent: int) -> None:
    module, type_name, params_text, task_id, number, attempt, trace, level = job
    echo = _Echo(pipe)
    _Loggers(echo, level)
    context = Context(
        task_id=task_id,
        number=number,
        type=type_name,
        attempt=attempt,
        clock=SystemClock(),
        trail=lambda: echo,
        report=echo.report,
        blocking=True,
        trace=trace,
    )
    ended = threading.Event()
    threading.Thread(target=_flush_until, args=(echo, ended, parent), daemon=True).start()
    current.append(context)
    try:
        echo.send("began")  # from now on a signal reaches this attempt and no other
        task_type = _find(module, type_name)
        adopt(trace)
        outcome = run_sync(task_type.function, task_type.params.model_validate_json(params_text), context)
    except BaseException as error:
        outcome = raised(error, context)
    finally:
        current.clear()
        context.end()
        ended.set()
        _kill_children()
    echo.flush()
    echo.send("done", outcome)


def _kill_children() -> None:
    """Programs end with the attempt that started them; the worker goes on."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=_CHILDREN)


def _flush_until(echo: _Echo, ended: threading.Event, parent: int) -> None:
    while not ended.wait(FLUSH):
        if os.getppid() != parent:
            os.killpg(0, signal.SIGKILL)  # the server is gone: nobody wants the result
        try:
            echo.flush()
        except OSError:
            os.killpg(0, signal.SIGKILL)


def _find(module: str, type_name: str) -> TaskType:
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, TaskType) and value.name == type_name:
            return value
    raise LookupError(f"{module} has no task type {type_name!r}")
