"""The engine's side on its loop: starts what is next as slots become free and times come, and keeps the store in shape on a tick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from functools import partial
from threading import get_ident

from tasks_app.engine.family import made
from tasks_app.engine.limits import Limits
from tasks_app.engine.ports import Clock
from tasks_app.engine.query import Query
from tasks_app.engine.queues import Queues
from tasks_app.engine.reports import Reports
from tasks_app.engine.store import Store
from tasks_app.engine.task import LATER, Status, Task, due, postponed
from tasks_app.engine.whose import nobodys

TICK = 0.25  # seconds between writes of progress
GATHER = 0.002  # seconds from one start to the next while other threads launch one by one: what comes meanwhile begins together
LONGEST_TIMER = 1.0  # the wall clock may be set: look at it at least this often
JUMP = 0.5  # seconds by which the wall clock differs from what has passed, so that it was set
RETIRED_A_TICK = 500
WORDS_A_TURN = 200  # of progress, that are written before the loop gets a turn


_running_loop = asyncio._get_running_loop  # asyncio.get_running_loop raises where there is none


class Dispatcher:
    """Decides when an attempt begins. `wake` and `call` may be called from any thread, the rest on the engine's loop."""

    def __init__(
        self,
        *,
        store: Store,
        queues: Queues,
        reports: Reports,
        clock: Clock,
        limits: Limits,
        begin: Callable[[Callable[[int], list[int]]], bool],
        may_start: Callable[[], bool],
    ) -> None:
        self._store = store
        self._queues = queues
        self._reports = reports
        self._clock = clock
        self._limits = limits
        self._begin = begin
        self._may_start = may_start
        self._ahead = clock.time() - clock.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0  # that of the loop
        self._woken = False
        self._looked = -GATHER  # when tasks were begun last (monotonic)
        self._flushes = False  # whether words of progress are being written, bit by bit
        self._held_up = False  # whether some had to be left in their lines then
        self._timer: asyncio.TimerHandle | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self.each_tick: list[Callable[[], object]] = []  # called on the loop; must be quick

    def start(self) -> None:
        """Begin to run tasks, on the loop that calls."""
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._loop.set_task_factory(made)
        self._ticker = self._loop.call_later(TICK, self._tick)
        self.wake()

    def stop_timers(self) -> None:
        """Nothing more happens by itself."""
        for timer in (self._ticker, self._timer):
            if timer is not None:
                timer.cancel()

    def stop(self) -> None:
        """Let go of the loop."""
        self._loop = None

    def wake(self) -> None:
        """There may be something to start. A loop elsewhere that says so again and again in one of its turns is heard at the turn's end:
        each word to another thread costs more than a task."""
        if not self._woken and self._loop is not None:
            self._woken = True
            elsewhere = _running_loop()
            if elsewhere is self._loop:
                self.call(self._dispatch)
            elif elsewhere is None:
                self.call(self._dispatch if get_ident() == self._thread else self._dispatch_soon)
            else:
                elsewhere.call_soon(self.call, self._dispatch_soon, context=nobodys.context)

    def freed(self) -> None:
        """A slot is free again. Nobody waits for it where all could begin; who came since has said so himself."""
        if self._held_up:
            self.wake()

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Call a function on the engine's loop. Whoever calls, what it starts there is nobody's: it does not end with his handler."""
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(function, *args, context=Context())
            except RuntimeError:  # the loop closed a moment ago: the process ends
                return

    def _dispatch_soon(self) -> None:
        """Another thread has something to start. Threads that take turns for each task spend more time on turns than on tasks."""
        rest = self._looked + GATHER - self._clock.monotonic()
        if rest > 0 and self._loop is not None:
            self._loop.call_later(rest, self._dispatch)
        else:
            self._dispatch()

    def _dispatch(self) -> None:
        self._woken = False
        self._held_up = True  # until it is seen that nobody is left
        self._looked = self._clock.monotonic()
        self._release_due()
        if self._begin(self._next):
            self.wake()  # others on the loop get their turn before
        else:
            self._held_up = bool(self._store.lines())

    def _next(self, most: int) -> list[int]:
        return self._queues.next(most) if self._may_start() else []

    def _release_due(self) -> None:
        now = self._clock.time()
        self._follow_the_clock(now)
        when = self._store.next_due()
        while when is not None and when <= now:
            self._store.update_many([(number, partial(_due, at=now)) for number in self._store.all_due(now)])
            when = self._store.next_due()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if when is not None and self._loop is not None:
            self._timer = self._loop.call_later(min(max(when - now, 0.0), LONGEST_TIMER), self.wake)

    def _follow_the_clock(self, now: float) -> None:
        """Somebody set the wall clock: waits between attempts are as long as they were, what is scheduled for a time comes at that time."""
        ahead = now - self._clock.monotonic()
        jump, self._ahead = ahead - self._ahead, ahead
        if abs(jump) > JUMP:
            numbers = self._store.numbers(Query(statuses=frozenset({Status.RETRYING})))
            self._store.update_many((number, partial(_postponed, by=jump)) for number in numbers)

    def _tick(self) -> None:
        """By a timer, not in a task: a handler that cancels every task of its loop leaves it alone."""
        retired = forgotten = 0
        try:
            self._woken = False  # a loop that was to wake us may have ended
            self.wake()  # what kept it from starting anything may be over
            if not self._flushes:  # where there are so many words that a tick is not enough for them
                self._flush()
            retired = self._retire()
            forgotten = self._store.deleted.forget(RETIRED_A_TICK)
            self._store.catch_up()
            for call in self.each_tick:
                call()
        finally:  # an error, such as no memory, is told by the loop; the next tick tries again
            if self._loop is not None:
                self._ticker = self._loop.call_later(0 if RETIRED_A_TICK in (retired, forgotten) else TICK, self._tick)

    def _flush(self) -> None:
        """Bit by bit: timers of handlers fall due meanwhile."""
        self._flushes = False
        if not self._reports.flush(most=WORDS_A_TURN) and self._loop is not None:
            self._flushes = True
            self._loop.call_soon(self._flush)

    def _retire(self) -> int:
        limits = self._limits
        return self._store.retire(keep=limits.keep_finished, keep_bytes=limits.keep_bytes, longest=limits.keep_seconds, most=RETIRED_A_TICK)


def _postponed(task: Task, *, by: float) -> Task | None:
    return postponed(task, by=by) if task.status is Status.RETRYING else None


def _due(task: Task, *, at: float) -> Task | None:
    """None for one that was cancelled a moment ago."""
    return due(task, at=at) if task.status in LATER else None
