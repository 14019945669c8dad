"""What was deleted a moment ago: its record and what it left behind are kept for ten seconds, so that it can come back whole.

A delete takes effect at once and outlives the process; what is kept here lives in memory alone, and is bounded by count, bytes and time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import RLock

from msgspec import Struct

from tasks_app.engine.retention import size_of
from tasks_app.engine.task import Status, Task
from tasks_app.engine.trail import Trail

SECONDS = 10.0
MOST = 100_000  # tasks; past that, and past MOST_BYTES of memory, those that were deleted first are gone for good
MOST_BYTES = 128 * 1024 * 1024


class Batch(Struct):
    """What was deleted together: `left` of `deleted` can come back, until `until` on the monotonic clock; None while they are deleted, or
    come back (`returning`). `stopped` of them ran, and come back as cancelled."""

    until: float | None = None
    deleted: int = 0
    left: int = 0
    stopped: int = 0
    returning: bool = False


class Leftover(Struct):
    """A task that was deleted. `task` is the record that would come back, `size` about how many bytes all of it holds."""

    task: Task
    trail: Trail | None
    batch: Batch
    size: int


class Deleted:
    """The tasks that were deleted last, in that order. Under the lock of the store, which alone puts in and takes out. `clock` is
    monotonic."""

    def __init__(self, lock: RLock, clock: Callable[[], float]) -> None:
        self._lock = lock
        self._clock = clock
        self._leftovers: OrderedDict[int, Leftover] = OrderedDict()
        self._numbers: dict[str, int] = {}
        self._batches: dict[str, Batch] = {}
        self._size = 0

    def open(self, name: str) -> None:
        """Many tasks are about to be deleted under this name: the ten seconds of all begin when it is closed."""
        with self._lock:
            self._batches.setdefault(name, Batch())

    def close(self, name: str) -> None:
        """No more come under this name, and nobody brings them back at the moment."""
        with self._lock:
            batch = self._batches.get(name)
            if batch is not None:
                batch.until, batch.returning = self._clock() + SECONDS, False

    def hold(self, name: str) -> bool:
        """Let no time pass for a batch that is about to be brought back; False where nothing of it is left, or somebody does so already."""
        with self._lock:
            batch = self.batch(name)
            if batch is None or not batch.left or batch.returning:
                return False
            batch.until, batch.returning = None, True
            return True

    def numbers_of(self, name: str) -> list[int]:
        """The numbers of what is left of a batch, in the order in which they were deleted. Looks at all that was deleted."""
        with self._lock:
            batch = self._batches.get(name)
            return [number for number, one in self._leftovers.items() if one.batch is batch]

    def batch(self, name: str) -> Batch | None:
        """The batch of this name: None where nothing was deleted under it, or its time is over."""
        with self._lock:
            batch = self._batches.get(name)
            return batch if batch is not None and self._is_in_time(batch) else None

    def can_return(self, name: str) -> bool:
        """Whether something of a batch can come back."""
        batch = self.batch(name)
        return batch is not None and batch.left > 0

    def seconds_left(self, name: str) -> float | None:
        """How long a batch, or a task by its id, can still come back; None where it cannot. SECONDS while it is being deleted."""
        with self._lock:
            found = self.find(name)
            batch = found.batch if found is not None else self.batch(name)
            if batch is None or not batch.left:
                return None
            return SECONDS if batch.until is None else max(0.0, batch.until - self._clock())

    def find(self, task_id: str) -> Leftover | None:
        """What is left of the task of this id; None where nothing is, or its time is over."""
        with self._lock:
            found = self._leftovers.get(self._numbers.get(task_id, 0))
            return found if found is not None and self._is_in_time(found.batch) else None

    def by_number(self, number: int) -> Leftover | None:
        """The same by the task's number, also when its time is over."""
        return self._leftovers.get(number)

    def put(self, task: Task, trail: Trail | None, name: str = "") -> None:
        """Keep a task that was deleted a moment ago, alone or under the name of a batch that is open."""
        batch = self._batches.get(name) or Batch(until=self._clock() + SECONDS)
        size = size_of(task) + (trail.size if trail is not None else 0)
        self._leftovers[task.number] = Leftover(task, trail, batch, size)
        self._numbers[task.id] = task.number
        self._size += size
        batch.deleted += 1
        batch.stopped += task.status is Status.CANCELLING
        batch.left += 1
        while len(self._leftovers) > MOST or self._size > MOST_BYTES:
            self.take(next(iter(self._leftovers)))

    def take(self, number: int) -> None:
        """Keep it no longer: it is back, or gone for good."""
        gone = self._leftovers.pop(number)
        del self._numbers[gone.task.id]
        self._size -= gone.size
        gone.batch.left -= 1

    def forget(self, most: int) -> int:
        """Let go of those whose time is over, at most so many; how many. One that was deleted before them holds up others until it goes."""
        with self._lock:
            gone = 0
            while gone < most and self._leftovers:
                number, first = next(iter(self._leftovers.items()))
                if self._is_in_time(first.batch):
                    break
                self.take(number)
                gone += 1
            self._batches = {name: batch for name, batch in self._batches.items() if self._is_in_time(batch)}
            return gone

    def clear(self) -> None:
        """Let go of all."""
        with self._lock:
            self._leftovers, self._numbers, self._batches, self._size = OrderedDict(), {}, {}, 0

    def __len__(self) -> int:
        return len(self._leftovers)

    def _is_in_time(self, batch: Batch) -> bool:
        return batch.until is None or self._clock() < batch.until
