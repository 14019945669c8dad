"""Which finished task leaves first, and how much those that are kept hold: whatever their number, each step costs as much."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

from tasks_app.engine.task import Task
from tasks_app.engine.trail import Trail

RECORD = 1_000  # bytes of a record beside its texts, with its places in the indexes
BLOCK = 512  # tasks


class Ended:
    """The numbers of finished tasks in the order in which they ended: 32 bytes each. A task is found by the version its record got when it
    ended, as these rise. `clock` is monotonic: a wall clock that is set makes none older."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._blocks: list[_Block] = []
        self._ended_as: dict[int, int] = {}  # by number, of the few whose records changed once more: the version they ended with
        self._count = 0
        self.size = 0  # bytes of all of them

    def add(self, tasks: Sequence[Task], trails: Mapping[int, Trail], *, ago: Sequence[float] | None = None) -> None:
        """Tasks have ended, each so many seconds ago or else now, with the newest versions of all; `trails` has what they left behind, by
        number."""
        sizes = [size_of(task) + (trails[task.number].size if task.number in trails else 0) for task in tasks]
        now = self._clock()
        since = [now] * len(tasks) if ago is None else [now - seconds for seconds in ago]
        rest = list(zip(tasks, sizes, since, strict=True))
        while rest:
            if not self._blocks or len(self._blocks[-1].numbers) == BLOCK:
                self._blocks.append(_Block())
            block = self._blocks[-1]
            room = BLOCK - len(block.numbers)
            block.extend(rest[:room])
            rest = rest[room:]
        self._count += len(tasks)
        self.size += sum(sizes)

    def change(self, before: Task) -> None:
        """The record of a finished task gets another version, and the task is no younger for that."""
        self._ended_as.setdefault(before.number, before.version)

    def remove(self, task: Task) -> None:
        """A finished task was deleted, or lives again; `task` is its record as it was before."""
        version = self._ended_as.pop(task.number, task.version)
        place = bisect_left(self._blocks, version, key=attrgetter("last"))
        block = self._blocks[place]
        self.size -= block.take(version)
        self._count -= 1
        if not block.numbers:
            del self._blocks[place]

    def next_to_leave(self, *, keep: int, keep_bytes: int, longest: float, most: int) -> list[int]:
        """The numbers of those that ended first, in order, as long as there are more than `keep`, they hold more bytes, or the first ended
        more than `longest` seconds ago; at most so many."""
        found: list[int] = []
        now, size = self._clock(), self.size
        for block in self._blocks:
            for number, one, since in zip(block.numbers, block.sizes, block.since, strict=True):
                enough = self._count - len(found) <= keep and size <= keep_bytes and now - since <= longest
                if enough or len(found) == most:
                    return found
                found.append(number)
                size -= one
        return found

    def forget(self, count: int) -> None:
        """The first so many have left."""
        while count:
            block = self._blocks[0]
            some = min(count, len(block.numbers))
            for number in block.numbers[:some]:
                self._ended_as.pop(number, None)
            self.size -= sum(block.sizes[:some])
            self._count -= some
            count -= some
            block.drop(some)
            if not block.numbers:
                del self._blocks[0]

    def __len__(self) -> int:
        return self._count


class _Block:
    """Some that ended one after the other: the versions of their records, their numbers, bytes, and since when each counts as ended."""

    __slots__ = ("numbers", "since", "sizes", "versions")

    def __init__(self) -> None:
        self.versions, self.numbers, self.sizes, self.since = array("q"), array("q"), array("q"), array("d")

    @property
    def last(self) -> int:
        """The highest version."""
        return self.versions[-1]

    def extend(self, tasks: Sequence[tuple[Task, int, float]]) -> None:
        """Take in tasks with their sizes, and since when each counts as ended."""
        self.versions.extend([task.version for task, _, _ in tasks])
        self.numbers.extend([task.number for task, _, _ in tasks])
        self.sizes.extend([size for _, size, _ in tasks])
        self.since.extend([since for _, _, since in tasks])

    def drop(self, count: int) -> None:
        """Forget the first so many."""
        for column in (self.versions, self.numbers, self.sizes, self.since):
            del column[:count]

    def take(self, version: int) -> int:
        """Take the one of this version out; its size."""
        place = bisect_left(self.versions, version)
        if self.versions[place] != version:
            raise KeyError(version)
        for column in (self.versions, self.numbers, self.since):
            column.pop(place)
        return self.sizes.pop(place)


def size_of(task: Task) -> int:
    """About so many bytes of memory a record holds."""
    size = RECORD + len(task.params) + len(task.secrets or b"") + len(task.result or b"")
    for attempt in task.attempts:
        if attempt.error is not None:
            size += len(attempt.error.message) + len(attempt.error.traceback)
    return size
