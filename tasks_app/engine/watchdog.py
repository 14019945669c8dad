"""Notices when the engine's loop is blocked: by which task, since when, at which line of code. Runs in a thread of its own."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from msgspec import Struct

from tasks_app.engine import run
from tasks_app.engine.context import Context
from tasks_app.engine.ports import Clock

BLOCKED_AFTER = 1.0  # seconds without an answer
_BEAT = 0.25
PATIENCE = 2.0  # seconds that whoever is told of a block has at the end
STALLED_AFTER = 2.0  # seconds from one beat to the next


class Block(Struct, frozen=True):
    """The loop does not answer since `since` (monotonic). `number` and `type` name the task whose code holds it, where that can be seen;
    `place` is `file:line in function` of the innermost line of Python and, where that is none of the handler's file, of the handler's line
    that led there."""

    since: float
    number: int | None
    type: str
    place: str


class Stall(Struct, frozen=True):
    """No line of Python ran in this process for `seconds`, `busy` of them with a processor: about all of them where C code held the
    interpreter's lock, hardly any where the process was stopped or got no processor. `number`, `type` and `place` are what the engine's
    loop was at when it was over, as in Block."""

    seconds: float
    busy: float
    number: int | None
    type: str
    place: str


class Watchdog:
    """Asks the loop for an answer four times a second; `block` says what holds it while it does not answer, `delay` how slow it was.
    `told` hears of each block, once, and of each time in which it could not watch itself."""

    def __init__(self, loop: asyncio.AbstractEventLoop, thread_id: int, clock: Clock, told: Callable[[Block | Stall], object]) -> None:
        self._loop = loop
        self._thread_id = thread_id
        self._clock = clock
        self._told = told
        self._ended = threading.Event()
        self._asked: float | None = None
        self._thread = threading.Thread(target=self._watch, name="engine watchdog", daemon=True)
        self.block: Block | None = None
        self.delay = 0.0
        self._slowest = 0.0

    def slowest(self) -> float:
        """Seconds the slowest answer took since this was asked last. On the loop that is watched."""
        slowest, self._slowest = self._slowest, 0.0
        return slowest

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more. Does not wait for a log that takes no line."""
        self._ended.set()
        self._thread.join(PATIENCE)

    def _watch(self) -> None:
        looked, worked, since = self._clock.monotonic(), time.process_time(), -math.inf
        while not self._ended.wait(_BEAT):
            before, busy = looked, worked
            looked, worked = self._clock.monotonic(), time.process_time()
            if looked - before > STALLED_AFTER:
                self._stood_still(looked - before, worked - busy)
                since = looked  # the loop had no more of that time than this thread
            asked = self._asked
            if asked is None:
                self._ask()
            elif looked - max(asked, since) > BLOCKED_AFTER:
                self._look(asked)

    def _ask(self) -> None:
        self._asked = self._clock.monotonic()
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # closed: whoever closed it stops us too
            self._asked = None

    def _answer(self) -> None:
        if self._asked is not None:
            self.delay = self._clock.monotonic() - self._asked
            self._slowest = max(self._slowest, self.delay)
        self._asked = None
        self.block = None

    def _stood_still(self, seconds: float, busy: float) -> None:
        """Whatever it was, it kept this thread from running as well: it can only be told afterwards."""
        found = self._found()
        if found is not None:
            self._told(Stall(seconds, min(busy, seconds), *found))

    def _found(self) -> tuple[int | None, str, str] | None:
        """What the loop's thread is at: number and type of a task, where that can be seen, and the place."""
        frame = sys._current_frames().get(self._thread_id)
        if frame is None:
            return None
        return *_holder(frame), _place(frame)

    def _look(self, asked: float) -> None:
        found = self._found()
        if found is None:
            return
        block = Block(asked, *found)
        first = self.block is None
        self.block = block
        if self._asked is None:  # it answered meanwhile
            self.block = None
        elif first:
            self._told(block)


def _place(frame: FrameType) -> str:
    handler = _handler(frame)
    line: FrameType | None = frame
    while handler is not None and line is not None and line.f_code.co_filename != handler.f_code.co_filename:
        line = line.f_back
    return _at(frame) if handler is None or line is None or line is frame else f"{_at(frame)}, called by {_at(line)}"


def _at(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


def _handler(frame: FrameType | None) -> FrameType | None:
    """The handler's own frame, where one is running."""
    while frame is not None and (frame.f_back is None or frame.f_back.f_code is not run.run_async.__code__):
        frame = frame.f_back
    return frame


def _holder(frame: FrameType | None) -> tuple[int | None, str]:
    while frame is not None:
        if frame.f_code is run.run_async.__code__:
            context = frame.f_locals.get("context")
            return (context.number, context.type) if isinstance(context, Context) else (None, "")
        frame = frame.f_back
    return None, ""
