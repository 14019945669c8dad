"""Progress, coalesced: handlers report as often as they like, the newest word of each is written to the store a few times a second."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from threading import RLock

from tasks_app.engine.context import Report
from tasks_app.engine.ports import Clock
from tasks_app.engine.store import Store
from tasks_app.engine.task import RUNNING, Task, progressed

Said = tuple[int, float, Report]  # in which attempt, when (monotonic), and what


class Reports:
    """Reports that are not in the store yet, one for each task. Thread-safe."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        # Held until what was taken is written: an attempt that ends meanwhile waits for its last word. Taken before the store's lock.
        self.flushing = RLock()
        # Written by handlers without a lock, each word in one step: in the midst of it Python may look for garbage, whose last words go to
        # a task's log, which asks for the store's lock, whose owner may be looking for a last word here.
        self._waiting: dict[int, Said] = {}
        self.report = self.take  # for contexts: bound once for all of them

    def take(self, number: int, attempt: int, report: Report) -> None:
        """Remember a report; an older one of the same task is forgotten."""
        self._waiting[number] = (attempt, self._clock.monotonic(), report)

    def flush(self, among: Collection[int] | None = None, most: int | None = None) -> bool:
        """Write what waits to the store; of these tasks only, where they are named; of so many at most. Whether that was all of it."""
        with self.flushing:
            numbers = list(self._waiting)[:most] if among is None else among
            waiting = {number: said for number in numbers if (said := self._waiting.pop(number, None)) is not None}
            try:
                if waiting:
                    self._store.update_many((number, partial(written, said=said)) for number, said in waiting.items())
            except BaseException:
                for number, said in waiting.items():
                    self._waiting.setdefault(number, said)  # to be written next time, unless there is a newer word
                raise
        return most is None or len(numbers) < most

    def fresh(self, tasks: Sequence[Task]) -> list[Task]:
        """These records with what their handlers reported last, for a reader who is about to show them: what all others reported does not
        hold him up. A record whose status is another one by now stays as it was found."""
        if running := [task.number for task in tasks if task.status in RUNNING]:
            self.flush(running)
        newest = [(task, self._store.by_number(task.number)) for task in tasks]
        return [task if now is None or now.status is not task.status else now for task, now in newest]

    @property
    def waiting(self) -> int:
        """How many tasks have reported what is not in the store yet."""
        return len(self._waiting)

    def forget(self, number: int) -> None:
        """This task's attempt is settled, its last word with it."""
        self._waiting.pop(number, None)

    def last_word(self, number: int) -> Said | None:
        """What this task reported last, for a change of its record that follows at once; None where all of it is written."""
        with self.flushing:
            return self._waiting.get(number)


def written(task: Task, said: Said) -> Task | None:
    """The record with what its handler reported; None where that is too late."""
    attempt, at, (current, total, message) = said
    if task.status not in RUNNING or task.attempt_number != attempt:
        return None
    return progressed(task, current=current, total=total, message=message, monotonic=at)
