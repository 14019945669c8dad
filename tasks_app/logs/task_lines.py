"""Listens to the store and says what becomes of tasks. The engine itself holds no log calls."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any

from tasks_app.engine.events import Change, steps_alone
from tasks_app.engine.task import RUNNING, WAITING, Status, Task
from tasks_app.logs.lines import about

logger = logging.getLogger("iotask.tasks")
RATE = 200  # lines of the levels info and debug a second, in the long run; also of tasks that waited when the process ended
BURST = 400  # such lines at once
MOST = 10_000  # lines that wait for a log that is slower than they come
GATHER = 0.1  # seconds of lines that are written in one go: each time the writer wakes, others wait for the interpreter
TELL_AFTER = 1.0  # seconds until a number of lines that were left out is told
PATIENCE = 5.0  # seconds that handlers get at the end for what is left
LAUNCHED = "task_launched"
STUCK = "task_stuck"
_ENDS = {
    Status.COMPLETED: logging.INFO,
    Status.CANCELLED: logging.INFO,
    Status.RETRYING: logging.INFO,
    Status.FAILED: logging.WARNING,
    Status.INTERRUPTED: logging.WARNING,
}
_WORDS = {status: f"task_{status}" for status in _ENDS}


class TaskLines:
    """Listens to a store, and writes from a thread of its own: handlers of `logging` have locks, and may be slow, and the store's lock is
    held while it is listened to."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._room = float(BURST)
        self._at = clock()
        self._heard: deque[tuple[int, str, Task]] = deque()
        self._left_out = 0  # only ever grows
        self._told = 0  # of these
        self._writing = Lock()
        self._some = Event()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="task lines", daemon=True)
        self._thread.start()

    def listen(self, changes: Sequence[Change]) -> None:
        """Under the store's lock: a line for each task that came, ended, will be tried again, or does not stop."""
        if not logger.isEnabledFor(logging.WARNING):
            return
        tells_of_launches = logger.isEnabledFor(logging.DEBUG)
        known = steps_alone(changes)
        if known is not None and not any(_is_told(before, after) for before, after, _ in known):
            return
        self._gain_room()
        for change in changes:
            before, after = change.before, change.after
            if after is None:
                continue
            if before is None:
                if tells_of_launches:
                    self._note(logging.DEBUG, LAUNCHED, after, bounded=True)
            elif after.status is not before.status:
                level = _ENDS.get(after.status)
                if level is not None:
                    never_ran = after.status is Status.INTERRUPTED and before.status in WAITING  # a whole line of them, at the end
                    self._note(level, _WORDS[after.status], after, bounded=level < logging.WARNING or never_ran)
            elif after.status in RUNNING and _stuck(after) and not _stuck(before):
                self._note(logging.WARNING, STUCK, after, bounded=False)

    def write(self) -> None:
        """Write what was heard so far."""
        with self._writing:
            while self._heard:
                level, event, task = self._heard.popleft()
                _say(level, _text(event, task), about(event, **_fields(task)))

    def close(self) -> None:
        """Write what is left, tell what is left to tell, and end. Does not wait for ever: a handler of somebody else's may stand still."""
        self._closing.set()
        self._some.set()
        self._thread.join(PATIENCE)

    def _note(self, level: int, event: str, task: Task, *, bounded: bool) -> None:
        if not logger.isEnabledFor(level):
            return
        if len(self._heard) >= MOST or (bounded and self._room < 1):
            self._left_out += 1
        else:
            self._room -= bounded
            self._heard.append((level, event, task))
        if not self._some.is_set():
            self._some.set()

    def _gain_room(self) -> None:
        now = self._clock()
        self._room = min(BURST, self._room + (now - self._at) * RATE)
        self._at = now

    def _run(self) -> None:
        tell_at = math.inf
        while not self._closing.is_set():
            self._some.wait(None if tell_at == math.inf else max(tell_at - time.monotonic(), 0))
            self._closing.wait(GATHER)
            self._some.clear()
            self.write()
            if self._left_out != self._told:
                tell_at = min(tell_at, time.monotonic() + TELL_AFTER)
            if time.monotonic() >= tell_at:
                tell_at = math.inf
                self._tell()
        self.write()
        self._tell()

    def _tell(self) -> None:
        now = self._left_out
        if now != self._told:
            said = f"More than {RATE} lines a second would tell of tasks: {now - self._told} were left out"
            _say(logging.WARNING, said, about("lines_dropped", lines=now - self._told))
        self._told = now


def _is_told(before: Task | None, after: Task) -> bool:
    """Whether there is a line for this step that anybody wants."""
    level = logging.DEBUG if before is None else _ENDS.get(after.status)
    return level is not None and logger.isEnabledFor(level)


def _say(level: int, text: str, extra: dict[str, Any]) -> None:
    with suppress(Exception):  # a handler of the project around us that fails: there is nobody to tell, and the next line may be written
        logger.handle(logger.makeRecord(logger.name, level, __file__, 0, text, (), None, extra=extra))


def _stuck(task: Task) -> bool:
    return task.cancel is not None and task.cancel.stuck


def _fields(task: Task) -> dict[str, Any]:
    """Whose line it is; where an attempt has ended with it, which one and how long that took."""
    attempt = task.attempt
    return {
        "task": task.id,
        "number": task.number,
        "type": task.type,
        "via": task.via or None,
        "attempt": attempt.number if attempt else None,
        "duration": attempt.seconds if attempt else None,
        "by": task.cancel.by or None if task.cancel else None,
        "error": task.error.type if task.error else None,
    }


def _text(event: str, task: Task) -> str:
    if event == STUCK:
        return "It was told to stop and goes on; its slot was handed to another"
    if task.error is not None:
        return task.error.message
    return task.cancel.reason if task.cancel else ""
