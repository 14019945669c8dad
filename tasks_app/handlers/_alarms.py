"""Moments at which something is to happen, thousands of them over one timer of the loop: a timer of uvloop's costs five times as much."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from heapq import heapify, heappop, heappush
from itertools import count
from time import monotonic

from tasks_app.engine.loops import EachLoop
from tasks_app.engine.whose import nobodys

EARLY = 0.0005  # seconds: a loop that counts in milliseconds wakes up to so much before a moment
TURN = 0.01  # seconds after which the loop gets a turn, though more are due
FEW = 100  # that were cancelled and may wait for their moment, whatever share of all they are
GUARD = 1.0  # seconds between two looks at whether there is a timer


class Alarm:
    """What is to be called, and in which context."""

    __slots__ = ("_alarms", "_call", "_context")

    def __init__(self, alarms: Alarms, call: Callable[[], object], context: Context) -> None:
        self._alarms = alarms
        self._call: Callable[[], object] | None = call
        self._context: Context | None = context

    def cancel(self) -> None:
        """It does not go off. Nothing happens where it has."""
        if self._call is not None:
            self._call = self._context = None  # until its moment comes only this little is left
            self._alarms.cancelled()

    def go_off(self) -> bool:
        """Call, once; False where it was cancelled."""
        call, context = self._call, self._context
        self._call = self._context = None
        if call is None or context is None:
            return False
        try:
            context.run(call)
        except Exception as error:  # told as the loop tells of its own, and nothing to the others
            asyncio.get_running_loop().call_exception_handler({"message": "An alarm failed", "exception": error})
        return True

    @property
    def is_cancelled(self) -> bool:
        """Whether nothing will happen any more."""
        return self._call is None


class Alarms:
    """Those of one loop; all of it on that loop. Where there is no memory for a timer it is set when the next alarm is, or within GUARD
    seconds: all others would wait for ever."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Alarm]] = []  # a heap; the second sets apart what is due at one moment
        self._cancelled = 0  # of these
        self._following = count()
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0.0  # when that fires
        self._guard: asyncio.TimerHandle | None = None
        self._goes_off = False  # whether some go off just now, after which a timer is set, or will in the loop's next turn

    def at(self, when: float, call: Callable[[], object], context: Context) -> Alarm:
        """Have this called at a moment of the loop's time, in a context. Where it raises, it is not called."""
        if self._guard is None:
            self._guard = asyncio.get_running_loop().call_later(GUARD, self._look, context=nobodys.context)
        if not self._goes_off and (self._timer is None or when < self._next):
            self._set(min(when, self._waiting[0][0]) if self._waiting else when)
        alarm = Alarm(self, call, context)
        heappush(self._waiting, (when, next(self._following), alarm))
        return alarm

    def cancelled(self) -> None:
        """One of those that wait was. Where these are many they do not stay until their moment, which may be an hour away."""
        self._cancelled += 1
        if self._cancelled == len(self._waiting) or (self._cancelled > FEW and 2 * self._cancelled > len(self._waiting)):
            self._waiting = [one for one in self._waiting if not one[2].is_cancelled]
            heapify(self._waiting)
            self._cancelled = 0
        if not self._waiting:
            for timer in (self._timer, self._guard):
                if timer is not None:
                    timer.cancel()
            self._timer = self._guard = None

    def __len__(self) -> int:
        return len(self._waiting)

    def _set(self, when: float) -> None:
        timer = asyncio.get_running_loop().call_at(when, self._go_off, context=nobodys.context)
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._next = timer, when

    def _look(self) -> None:
        self._guard = None
        if self._waiting:
            self._guard = asyncio.get_running_loop().call_later(GUARD, self._look, context=nobodys.context)
            if self._timer is None and not self._goes_off:
                self._set(self._waiting[0][0])

    def _go_off(self) -> None:
        """All that are due at this moment, as timers of the loop would; those that come due meanwhile wait until others had a turn."""
        self._timer, self._goes_off = None, True
        due = -1.0
        try:
            due, until = asyncio.get_running_loop().time() + EARLY, monotonic() + TURN
            while self._waiting and self._waiting[0][0] <= due:
                if not heappop(self._waiting)[2].go_off():
                    self._cancelled -= 1
                if monotonic() >= until:
                    break
        finally:  # also where somebody ends the loop from within
            self._goes_off = False
            self._go_on(due)

    def _go_on(self, due: float) -> None:
        if self._waiting and self._waiting[0][0] <= due:
            asyncio.get_running_loop().call_soon(self._go_off, context=nobodys.context)
            self._goes_off = True
        elif self._waiting:
            self._set(self._waiting[0][0])


alarms = EachLoop(Alarms)
