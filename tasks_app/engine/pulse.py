"""The pulse: what came, began and ended in each minute of the last hour, and in each quarter of an hour of the last day.

A change is counted once, in the minute that is open; when a minute closes it is folded into its quarter. Minutes follow the monotonic
clock: where somebody sets the wall clock they go on one after another, and each knows what the wall clock said when it began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from threading import Lock
from typing import TypeVar

from msgspec import Struct

from tasks_app.engine.durations import Durations
from tasks_app.engine.events import Change, runs, steps
from tasks_app.engine.ports import Clock
from tasks_app.engine.task import TERMINAL, Status, Task

MINUTE, QUARTER = 60, 900  # seconds
HOUR, DAY = 60, 96  # so many minutes, so many quarters
JUMP = 1.0  # seconds; wall clocks that differ by less are the same
ENDS = (Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.INTERRUPTED)
_COLUMN = {status: 2 + place for place, status in enumerate(ENDS)}
Figure = TypeVar("Figure", int, float)


class Slot:
    """What is counted of one minute or quarter. `at` is its beginning by the wall clock; `waiting`, `running` and `delay` (seconds) are the
    most that was seen of tasks that wait, of slots in use, and of what the engine's loop was late; None where nobody looked.

    `counts` has, by type, how many tasks were accepted, how many attempts began, and how many tasks ended in each status of ENDS."""

    __slots__ = ("at", "counts", "delay", "durations", "running", "waiting")

    def __init__(self, at: float) -> None:
        self.at = at
        self.counts: dict[str, list[int]] = {}
        self.durations = Durations()  # of completed tasks
        self.waiting: int | None = None
        self.running: int | None = None
        self.delay: float | None = None

    @property
    def accepted(self) -> int:
        """How many tasks came."""
        return sum(counts[0] for counts in self.counts.values())

    @property
    def started(self) -> int:
        """How many attempts began."""
        return sum(counts[1] for counts in self.counts.values())

    def ended(self, *statuses: Status) -> int:
        """How many tasks ended, in one of these statuses or in any."""
        return sum(counts[_COLUMN[status]] for counts in self.counts.values() for status in statuses or ENDS)

    def ended_of(self, type_name: str) -> int:
        """How many tasks of a type ended."""
        return sum(self.counts[type_name][2:]) if type_name in self.counts else 0

    def count(self, type_name: str, column: int, more: int = 1) -> None:
        """Count one more."""
        counts = self.counts.get(type_name)
        if counts is None:
            counts = self.counts[type_name] = [0] * (2 + len(ENDS))
        counts[column] += more

    def take_in(self, other: Slot) -> None:
        """Count all that another slot has counted as well."""
        for name, counts in other.counts.items():
            for column, more in enumerate(counts):
                self.count(name, column, more)
        self.durations.take_in(other.durations)
        if other.waiting is not None and other.running is not None and other.delay is not None:
            self.look(other.waiting, other.running, other.delay)

    def look(self, waiting: int, running: int, delay: float) -> None:
        """Somebody looked."""
        self.waiting = _most(self.waiting, waiting)
        self.running = _most(self.running, running)
        self.delay = _most(self.delay, delay)


class Span(Struct, frozen=True):
    """The slots of a span of time, oldest first, each `seconds` long; the last one is still open. Before `since` (wall clock) this process
    was not there: what is counted of that time is what kept tasks tell, if `told`."""

    seconds: int
    slots: tuple[Slot, ...]
    since: float
    told: bool


class Pulse:
    """Listens to a store. One step for each change of status; memory for an hour of minutes and a day of quarters."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self.since = clock.time()
        self._told = False
        self._ahead = self.since - clock.monotonic()  # of the wall clock, as minutes are counted
        self._minutes: dict[int, Slot] = {}
        self._quarters: dict[int, Slot] = {}
        self._index = self._now()
        self._open = self._begun(0.0)

    def listen(self, changes: Sequence[Change]) -> None:
        """Count what happened. Called under the store's lock."""
        with self._lock:
            slot = self._slot()
            for before, after, times in steps(changes):
                _count(slot, before, after, times)

    def look(self, waiting: int, running: int, delay: float) -> None:
        """So many tasks wait and so many slots are in use now; by so many seconds the engine's loop was late at the most."""
        with self._lock:
            self._slot().look(waiting, running, delay)

    def restore(self, tasks: Iterable[Task]) -> None:
        """Count what the tasks of an earlier process tell of the last day. Before anything is listened to."""
        with self._lock:
            self._slot()
            slots_at = cache(self._slots_in)  # of thousands of tasks most moments are in a few minutes
            for task, times in runs(tasks):
                for slot in slots_at(int(task.created_at // MINUTE)):
                    slot.count(task.type, 0, times)
                for attempt in task.attempts:
                    for slot in slots_at(int(attempt.started_at // MINUTE)):
                        slot.count(task.type, 1, times)
                if task.status in TERMINAL and task.ended_at is not None:
                    for slot in slots_at(int(task.ended_at // MINUTE)):
                        _end(slot, task, times)

    def last_hour(self) -> Span:
        """By minutes. What is returned is a copy."""
        with self._lock:
            self._slot()
            return self._span(self._minutes, MINUTE, HOUR, self._index)

    def last_day(self) -> Span:
        """By quarters of an hour. What is returned is a copy."""
        with self._lock:
            now = self._slot()
            span = self._span(self._quarters, QUARTER, DAY, _quarter(self._index))
            span.slots[-1].take_in(now)
            return span

    # -- inside

    def _now(self) -> int:
        return int((self._clock.monotonic() + self._ahead) // MINUTE)

    def _slot(self) -> Slot:
        """The minute that is open."""
        index = self._now()
        if index != self._index:
            self._turn(index)
        return self._open

    def _turn(self, index: int) -> None:
        """A minute is over: fold it into its quarter, open another, forget what is too old."""
        self._quarters[_quarter(self._index)].take_in(self._open)
        self._index = index
        self._open = self._begun(self._jumped())
        _forget(self._minutes, index - HOUR)
        _forget(self._quarters, _quarter(index) - DAY)

    def _begun(self, jumped: float) -> Slot:
        """A new minute, and its quarter where that is new as well."""
        quarter = _quarter(self._index)
        self._at(self._quarters, quarter, quarter * QUARTER + jumped)
        return self._at(self._minutes, self._index, self._index * MINUTE + jumped)

    def _jumped(self) -> float:
        """By how many seconds the wall clock was set since the start."""
        jumped = self._clock.time() - self._clock.monotonic() - self._ahead
        return round(jumped) if abs(jumped) >= JUMP else 0

    def _slots_in(self, minute: int) -> tuple[Slot, ...]:
        """Where what an earlier process did in this minute is counted, as far as it is not too long ago."""
        return tuple(self._slots_of(minute))

    def _slots_of(self, minute: int) -> Iterator[Slot]:
        if _quarter(self._index) - DAY < _quarter(minute) and minute <= self._index:
            self._told = True
            if minute > self._index - HOUR:
                yield self._at(self._minutes, minute, minute * MINUTE)
            if minute != self._index:  # the open one is folded when it closes
                yield self._at(self._quarters, _quarter(minute), _quarter(minute) * QUARTER)

    @staticmethod
    def _at(kept: dict[int, Slot], index: int, at: float) -> Slot:
        found = kept.get(index)
        if found is None:
            found = kept[index] = Slot(at)
        return found

    def _span(self, kept: Mapping[int, Slot], seconds: int, count: int, last: int) -> Span:
        """What nobody opened stands where the slot before it says."""
        slots, shift = [], 0.0
        for index in range(last - count + 1, last + 1):
            found = kept.get(index)
            shift = found.at - index * seconds if found is not None else shift
            slots.append(Slot(index * seconds + shift))
            if found is not None:
                slots[-1].take_in(found)
        return Span(seconds, tuple(slots), self.since, self._told)


def _count(slot: Slot, before: Task | None, after: Task, times: int) -> None:
    status = after.status
    if before is None:
        slot.count(after.type, 0, times)
    if status is Status.PROCESSING:
        slot.count(after.type, 1, times)
    elif status in _COLUMN:
        _end(slot, after, times)


def _end(slot: Slot, task: Task, times: int = 1) -> None:
    slot.count(task.type, _COLUMN[task.status], times)
    if task.status is Status.COMPLETED:
        slot.durations.add(task.seconds_running(0.0) or 0.0, times)


def _quarter(minute: int) -> int:
    return minute * MINUTE // QUARTER


def _forget(kept: dict[int, Slot], last: int) -> None:
    for index in [index for index in kept if index <= last]:
        del kept[index]


def _most(known: Figure | None, seen: Figure) -> Figure:
    return seen if known is None or seen > known else known
