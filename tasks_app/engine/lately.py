"""What a task type did in the last day and the last week: how runs ended, how long they took, how long they had waited.

A run is counted once, in the hour that is open; one that is a day old is folded into a quarter of its day. Hours follow the monotonic
clock.
"""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from tasks_app.engine.durations import Durations
from tasks_app.engine.task import Status, Task

HOUR = 3600
DAY, WEEK = 24, 7 * 24  # hours
PART = 6  # hours: so exact is the beginning of a week


class Figures(Struct):
    """`ended` counts by final status; `took` seconds of completed runs, all attempts together; `waited` seconds before the last attempt,
    of all that ran."""

    ended: Counter[Status]
    took: Durations
    waited: Durations

    def count(self, task: Task, seconds: float, times: int = 1) -> None:
        """Take in a task that has just ended, after running for so many seconds; or so many that are like it."""
        self.ended[task.status] += times
        if task.status is Status.COMPLETED:
            self.took.add(seconds, times)
        if task.attempts:
            self.waited.add(max(0.0, task.attempts[-1].started_at - task.waiting_since), times)

    def take_in(self, other: Figures) -> None:
        """Count all that other figures have counted as well."""
        self.ended.update(other.ended)
        self.took.take_in(other.took)
        self.waited.take_in(other.waited)


def no_figures() -> Figures:
    """Nothing counted yet."""
    return Figures(Counter(), Durations(), Durations())


class Lately:
    """The figures of one type. Not thread-safe: its owner holds a lock. `hour` is always monotonic time in whole hours."""

    def __init__(self) -> None:
        self._hours: dict[int, Figures] = {}
        self._parts: dict[int, Figures] = {}
        self._newest = -(10**9)
        self._closed: dict[int, tuple[int, Figures]] = {}  # by length of the span: the hour it was made in, and all before that hour

    def at(self, hour: int) -> Figures:
        """The figures of an hour, to count in."""
        if hour < self._newest:
            self._closed.clear()
        found = self._hours.get(hour)
        if found is None:
            found = self._hours[hour] = no_figures()
            if hour > self._newest:
                self._newest = hour
                self._fold(hour)
                self._closed.clear()
        return found

    def since(self, hour: int, hours: int) -> Figures:
        """All that was counted in so many hours up to and with this one: DAY or WEEK."""
        made = self._closed.get(hours)
        if made is None or made[0] != hour:
            made = self._closed[hours] = (hour, self._before(hour, hours))
        found = no_figures()
        found.take_in(made[1])
        if hour in self._hours:
            found.take_in(self._hours[hour])
        return found

    def _before(self, hour: int, hours: int) -> Figures:
        found = no_figures()
        for begun, figures in self._hours.items():
            if hour - hours < begun < hour:
                found.take_in(figures)
        if hours > DAY:
            for part, figures in self._parts.items():
                if part * PART > hour - hours:
                    found.take_in(figures)
        return found

    def _fold(self, hour: int) -> None:
        for old in [begun for begun in self._hours if begun <= hour - DAY]:
            self._parts.setdefault(old // PART, no_figures()).take_in(self._hours.pop(old))
        for part in [part for part in self._parts if part * PART <= hour - WEEK]:
            del self._parts[part]
