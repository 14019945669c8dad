"""The fixed schedule that repeated probes keep, whatever a single probe takes, and who begins when among many."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from tasks_app.engine.loops import EachLoop

MAX_UNDER_WAY = 1000
SLOT = 0.01  # seconds
FREE = 50  # schedules that fall into one slot, whatever there is room for in others
FURTHEST = 10.0  # seconds by which a schedule is moved at most


async def on_schedule(count: int, interval: float, probe: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Start probe 1 now and each next one `interval` seconds later; return when all have ended.

    A probe never waits for another one: each is a task of its own. What a probe raises ends them all and is raised here.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(1, count + 1):
                await asyncio.sleep(began + (number - 1) * interval - loop.time())
                group.create_task(probe(number))
    except BaseExceptionGroup as raised:
        raise _first(raised) from None


class Timetable:
    """When schedules of one interval fall due, in slots of SLOT seconds. Thousands that are launched at once would fall due at once ever
    after: more than can be done at that moment, while in others there is nothing to do. Of one loop."""

    def __init__(self) -> None:
        self._slots: dict[float, Counter[int]] = {}  # by interval: how many schedules fall into each slot of it
        self._counts: Counter[float] = Counter()  # of all slots, by interval

    def enter(self, now: float, interval: float) -> tuple[int, float]:
        """A place in the table, and seconds until a schedule of this interval should begin: 0 unless too many fall into this moment."""
        slots = self._slots.setdefault(interval, Counter())
        size = max(1, round(interval / SLOT))
        here = int(now % interval / SLOT) % size
        near = range(min(size, round(FURTHEST / SLOT)))
        most = max(FREE, self._counts[interval] // size + 1)  # as many as if all were even: some slot has room
        moved = next((step for step in near if slots[(here + step) % size] < most), None)
        if moved is None:  # more than there are places for so near
            moved = min(near, key=lambda step: slots[(here + step) % size])
        place = (here + moved) % size
        slots[place] += 1
        self._counts[interval] += 1
        return place, moved * SLOT

    def leave(self, place: int, interval: float) -> None:
        """A schedule has ended."""
        slots = self._slots[interval]
        slots[place] -= 1
        if not slots[place]:
            del slots[place]
        self._counts[interval] -= 1
        if not slots:
            del self._slots[interval], self._counts[interval]


timetable = EachLoop(Timetable)


def few_under_way(timeout: float, info: ValidationInfo) -> float:
    """A check for a `timeout` param declared after `interval`: at most MAX_UNDER_WAY probes can be under way at once."""
    interval = info.data.get("interval")
    if interval and timeout / interval > MAX_UNDER_WAY:
        raise PydanticCustomError("under_way", "At most 1,000 intervals long: no more probes than that may be under way at once")
    return timeout


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
