"""Launches of many tasks on their way to the disk: a part with each commit, so that nobody waits for all of it, and all or nothing of each.

While only a part is there, a mark beside the tasks names them all; it goes with the commit that brings the last part. A process that
finds a mark knows that the one before it died in between: nobody was told of these tasks, none had begun, and none is taken up."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from tasks_app.engine.retention import size_of
from tasks_app.engine.task import Task
from tasks_app.journal.waiting import Waiter

MARK = "crowd:"  # and the number of its first task
PART = 500  # tasks of a launch in one commit
PART_BYTES = 1024 * 1024  # of their records; one is always taken
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[int, int]]).decode


class _Crowd(Struct):
    """One launch: `taken` of its tasks are in commits."""

    tasks: Sequence[Task]
    call: Waiter
    taken: int = 0

    @property
    def mark(self) -> str:
        return _mark(self.tasks)

    @property
    def whole(self) -> bool:
        return self.taken == len(self.tasks)


class Crowds:
    """Those that wait for the disk. `enter` and `disown` may be called from any thread, the rest by the writer's alone; `enter` and
    `failed` not at the same time."""

    def __init__(self) -> None:
        self._coming: deque[_Crowd] = deque()
        self._disowned: deque[Sequence[Task]] = deque()
        self._kept: set[int] = set()  # numbers of tasks that are on disk, and that the store has not announced yet

    def __bool__(self) -> bool:
        """Whether there is something to write."""
        return bool(self._coming or self._disowned)

    def enter(self, tasks: Sequence[Task], call: Waiter) -> None:
        """Write these with the next commits, and call once all of them are on disk."""
        self._coming.append(_Crowd(tasks, call))

    def disown(self, tasks: Sequence[Task]) -> None:
        """None of these will come into the store: remove what is on disk of them."""
        if tasks:
            self._disowned.append(tasks)

    def collect(self, tasks: dict[int, Task | None], records: dict[str, bytes | None]) -> int:
        """Add what the next commit brings; a number above those of all tasks in it."""
        while self._disowned:
            self._forget(self._disowned[0], tasks, records)
            self._disowned.popleft()  # only now: without memory for it, it is done again
        if not self._coming:
            return 0
        crowd = self._coming[0]
        if first := crowd.taken == 0:
            records[crowd.mark] = _encode(_runs(task.number for task in crowd.tasks))
        size = 0
        while not crowd.whole and size < PART_BYTES:
            task = crowd.tasks[crowd.taken]
            tasks[task.number] = task
            crowd.taken += 1
            size += size_of(task)
            if crowd.taken % PART == 0:
                break
        if crowd.whole:
            records[crowd.mark] = None
        return 1 + max(task.number for task in crowd.tasks) if first else 0

    def wrote(self) -> list[Waiter]:
        """What was collected is on disk; those to be told so."""
        if not self._coming or not self._coming[0].whole:
            return []
        crowd = self._coming.popleft()
        self._kept.update(task.number for task in crowd.tasks)
        return [crowd.call]

    def failed(self) -> list[Waiter]:
        """Nothing can be written: nothing is to be left of any of them. Those to be told so."""
        calls = []
        while self._coming:
            crowd = self._coming.popleft()
            self.disown(crowd.tasks)
            calls.append(crowd.call)
        return calls

    def has(self, task: Task) -> bool:
        """Whether a task that the store has just taken in is on disk; asked once for each."""
        if task.number not in self._kept:
            return False
        self._kept.discard(task.number)
        return True

    def _forget(self, gone: Sequence[Task], tasks: dict[int, Task | None], records: dict[str, bytes | None]) -> None:
        for crowd in [crowd for crowd in self._coming if crowd.tasks is gone]:
            self._coming.remove(crowd)
        for task in gone:
            tasks[task.number] = None
            self._kept.discard(task.number)
        records[_mark(gone)] = None


def cut_off(records: Mapping[str, bytes]) -> tuple[set[int], list[str]]:
    """The numbers of all tasks of launches of which only a part may be there, and the names of their marks."""
    marks = [name for name in records if name.startswith(MARK)]
    return {number for name in marks for first, count in _decode(records[name]) for number in range(first, first + count)}, marks


def _mark(tasks: Sequence[Task]) -> str:
    return f"{MARK}{tasks[0].number}"


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Rising numbers, as the first and the count of each run."""
    found: list[tuple[int, int]] = []
    last = -sys.maxsize
    for number in numbers:
        if number == last + 1:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((number, 1))
        last = number
    return found
